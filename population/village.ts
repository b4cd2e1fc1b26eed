import { withClient } from './client.ts'
import { chooseTwo, learn } from './known.ts'
import { emailOf } from './login.ts'
import { villageSeed } from './people.ts'
import { type Plan, planPopulation } from './plan.ts'
import { type Databases, type Written, writePopulation } from './write.ts'

/**
 * Sixty people who are there from the start, so that a newcomer sees life. They come only where
 * nobody has been yet, so not a second time, whatever was deleted since.
 * Undefined when somebody is there.
 */
export async function fillVillage(
  databases: Databases,
  until = new Date(),
): Promise<Written | undefined> {
  const inhabited = await Promise.all([
    ask(databases.auth, 'select from users limit 1'),
    ask(databases.profile, 'select from profiles limit 1'),
    ask(databases.feed, 'select from authors limit 1'),
  ])
  if (inhabited.some((rows) => rows.length > 0)) return undefined
  return writePopulation(planVillage(until), databases)
}

/** E-mail addresses of the village's best-known person and of another; nothing where it is not. */
export async function findVillagers(
  auth: string,
): Promise<{ bestKnown: string; somebody: string } | undefined> {
  const plan = planVillage(new Date())
  const { bestKnown, somebody } = chooseTwo(plan, learn(plan))
  const emails = { bestKnown: emailOf(bestKnown.username), somebody: emailOf(somebody.username) }
  const rows = await ask(auth, 'select from users where email = any($1)', [Object.values(emails)])
  return rows.length === 2 ? emails : undefined
}

/** Its people are the same whenever it is planned; what they write is of the last days. */
export function planVillage(until: Date): Plan {
  return planPopulation({ people: 60, posts: 600, shape: 'powerlaw', seed: villageSeed, until })
}

function ask(url: string, sql: string, values: unknown[] = []) {
  return withClient(url, async (client) => (await client.query(sql, values)).rows)
}
