import type pg from 'pg'
import { emailOf } from './login.ts'
import type { Person, Rows } from './plan.ts'
import { PopulationRefusal } from './refusal.ts'

const batch = 5_000
const namedAtMost = 3

/**
 * Whether all of these people have their accounts already.
 * @throws PopulationRefusal when only some have, or when others have their names
 */
export async function arePresent(client: pg.Client, people: Rows<Person>): Promise<boolean> {
  let present = 0
  const others: string[] = []
  for (const usernames of batches(people)) {
    const emails = usernames.map(emailOf)
    const { rows } = await client.query<{ username: string; email: string }>(
      `select username, email from users
       where username = any($1::citext[]) or email = any($2::citext[])`,
      [usernames, emails],
    )
    for (const { username, email } of rows) {
      if (email === emailOf(username)) present++
      else others.push(username)
    }
  }
  if (others.length > 0) {
    const names = others.slice(0, namedAtMost).join(', ')
    const more = others.length > namedAtMost ? ' and others' : ''
    throw new PopulationRefusal(`Other people have names of these: ${names}${more}.`)
  }
  if (present > 0 && present < people.length) {
    throw new PopulationRefusal(
      `Of these ${people.length} people ${present} are there already, from a smaller population of the same seed.`,
    )
  }
  return present > 0
}

function* batches(people: Rows<Person>): Generator<string[]> {
  let usernames: string[] = []
  for (const { username } of people) {
    usernames.push(username)
    if (usernames.length < batch) continue
    yield usernames
    usernames = []
  }
  if (usernames.length > 0) yield usernames
}
