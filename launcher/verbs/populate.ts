import type { Shape } from '@clew/population/graph'
import { emailOf, password as everybodysPassword } from '@clew/population/login'
import { planPopulation, shapes } from '@clew/population/plan'
import { PopulationRefusal } from '@clew/population/refusal'
import { type Written, writePopulation } from '@clew/population/write'
import { askControl, controlPath } from '../control.ts'
import { type Options, readOptions } from '../options.ts'
import type { Ports } from '../ports.ts'
import { adminUrl } from '../postgres.ts'
import { Refusal } from '../refusal.ts'
import { readPassword } from '../state.ts'
import type { Status } from '../supervisor.ts'
import { populatedDatabases, villageRow } from '../village.ts'

const postsEach = 20

/** Fills a running Clew with invented people and what they wrote. */
export async function populate(args: string[]): Promise<number> {
  const options = readOptions(args)
  const began = performance.now()
  const wishes = readWishes(options)
  const databases = populatedDatabases(await findPostgres(options.state))
  const plan = refuseRange(() => planPopulation(wishes))
  process.stdout.write(`Writing ${say(plan.people.length)} people.\n`)
  const written = await writePopulation(plan, databases).catch((error) => {
    if (!(error instanceof PopulationRefusal)) throw error
    throw new Refusal(`${error.message} Nothing was written; choose another --seed.`, {
      cause: error,
    })
  })
  const seconds = (performance.now() - began) / 1_000
  process.stdout.write(written ? describe(written, seconds) : describePresent(plan.people.length))
  return 0
}

function readWishes({ people = '1000', posts, shape = 'powerlaw', seed = '1' }: Options) {
  if (!isShape(shape)) throw new Refusal(`--shape is ${shapes.join(' or ')}.`)
  const wanted = { people: Number(people || Number.NaN), posts: Number(posts || Number.NaN) }
  if (posts === undefined) wanted.posts = wanted.people * postsEach
  return { ...wanted, shape, seed, until: new Date() }
}

function isShape(word: string): word is Shape {
  return shapes.some((shape) => shape === word)
}

function refuseRange<Result>(plan: () => Result): Result {
  try {
    return plan()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new Refusal(`--${error.message}.`, { cause: error })
  }
}

/** The administrator's way to the Postgres of the Clew that runs in this folder. */
async function findPostgres(state: string): Promise<string> {
  const answer = await askControl(controlPath(state), 'GET', '/processes').catch((error) => {
    throw new Refusal(`No Clew runs in ${state}: npm start starts one.`, { cause: error })
  })
  const { processes, ports } = answer.body as { processes: Status[]; ports: Ports }
  const done = processes.filter((part) => part.state === 'done').map(({ name }) => name)
  if (!villageRow.needs.every((name) => done.includes(name))) {
    throw new Refusal(
      `The Clew that runs in ${state} has no databases for people yet: wait until it has started, or start all of it.`,
    )
  }
  return adminUrl(ports.postgres, await readPassword(state))
}

function describe(written: Written, seconds: number): string {
  const { people, follows, posts, likes, comments, bestKnown, somebody } = written
  return `Wrote ${say(people)} people, ${say(follows)} follows, ${say(posts)} posts, ${say(likes)} likes and ${say(comments)} comments in ${seconds.toFixed(1)} s.
Log in as ${emailOf(bestKnown.username)}, the best known of them, or as ${emailOf(somebody.username)};
the password of all of them is "${everybodysPassword}".
`
}

function describePresent(people: number): string {
  return `These ${say(people)} people are there already: nothing was changed. Another --seed gives others.\n`
}

function say(count: number): string {
  return count.toLocaleString('en')
}
