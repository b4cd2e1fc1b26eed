import type { Platform } from '@clew/launcher/platform'
import { planPopulation } from '@clew/population/plan'
import { writePopulation } from '@clew/population/write'
import { databasesOf } from './database.ts'
import type { User } from './feed-world.ts'
import { openSessions } from './sessions.ts'

/** People who follow each other and write now and then; all of them are logged in. */
export async function moveIn(platform: Platform, count: number, posts = 0): Promise<User[]> {
  const until = new Date()
  const plan = planPopulation({ people: count, posts, shape: 'reed98', seed: 'bench', until })
  await writePopulation(plan, databasesOf(platform))
  return openSessions(platform, plan.people)
}
