import type { Shape } from '@clew/population/graph'
import { emailOf, password as everybodysPassword } from '@clew/population/login'
import { limits, type Plan, planPopulation, shapes } from '@clew/population/plan'
import { PopulationRefusal } from '@clew/population/refusal'
import { type Written, writePopulation } from '@clew/population/write'
import { askControl, controlPath } from '../control.ts'
import { type Options, readOptions, refuseWords } from '../options.ts'
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
  refuseWords(options, 'populate')
  const began = performance.now()
  const wishes = readWishes(options)
  const databases = populatedDatabases(await findPostgres(options.state))
  const plan = planPopulation(wishes)
  const begun = () => void process.stdout.write(`Writing ${say(plan.people.length)} people.\n`)
  const written = await writePopulation(plan, databases, { begun }).catch((error) => {
    if (!(error instanceof PopulationRefusal)) throw error
    throw new Refusal(`${error.message} Nothing was written; choose another --seed.`, {
      cause: error,
    })
  })
  const seconds = (performance.now() - began) / 1_000
  process.stdout.write(written ? describe(written, seconds) : describePresent(options, plan))
  return 0
}

function readWishes({ people = '1000', posts, shape = 'powerlaw', seed = '1' }: Options) {
  if (!isShape(shape)) throw new Refusal(`--shape is ${shapes.join(' or ')}.`)
  const wanted = { people: Number(people || Number.NaN), posts: Number(posts || Number.NaN) }
  if (posts === undefined) wanted.posts = wanted.people * postsEach
  checkRange('people', wanted.people)
  checkRange('posts', wanted.posts)
  return { ...wanted, shape, seed, until: new Date() }
}

function isShape(word: string): word is Shape {
  return shapes.some((shape) => shape === word)
}

/** A plan checks this as well, but is made only once a Clew is found: a million people take a while. */
function checkRange(name: keyof typeof limits, value: number): void {
  const { min, max } = limits[name]
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new Refusal(`--${name} is a whole number from ${min} to ${say(max)}.`)
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

function describePresent({ posts, shape }: Options, { people }: Plan): string {
  const present = `These ${say(people.length)} people are there already: nothing was changed.`
  if (posts === undefined && shape === undefined) return `${present} Another --seed gives others.\n`
  return `${present} --posts and --shape add nothing to people who are there; another --seed gives others.\n`
}

function say(count: number): string {
  return count.toLocaleString('en')
}
