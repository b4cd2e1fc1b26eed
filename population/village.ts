import pg from 'pg'
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

/**
 * The e-mail addresses of those of the village's best-known person and of another who have an
 * account, in this order.
 */
export async function findVillagers(auth: string): Promise<string[]> {
  const plan = planVillage(new Date())
  const { bestKnown, somebody } = chooseTwo(plan, learn(plan))
  const emails = [bestKnown, somebody].map(({ username }) => emailOf(username))
  const rows = await ask(auth, 'select email from users where email = any($1)', [emails])
  const found = new Set(rows.map(({ email }) => email))
  return emails.filter((email) => found.has(email))
}

/** Its people are the same whenever it is planned; what they write is of the last days. */
export function planVillage(until: Date): Plan {
  return planPopulation({ people: 60, posts: 600, shape: 'powerlaw', seed: villageSeed, until })
}

async function ask(url: string, sql: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<{ email: string }>(sql, values)).rows
  } finally {
    await client.end()
  }
}
