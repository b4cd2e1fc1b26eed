import type { Client } from '@clew/kit/client'
import type { Postgres } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { LRUCache } from 'lru-cache'

type Card = { username: string; display_name: string; avatar_url: string | null }
export type EnsureAuthor = (userId: string) => Promise<void>

const remembered = 100_000

/**
 * Makes sure that feed knows the card (name and picture) of somebody who is about to write.
 * Asks Postgres once per person and process, and profile once per person;
 * `profile.updated` keeps the card right from then on.
 * The function it gives throws Problem 503 while a person is unknown and profile cannot tell.
 */
export function createEnsureAuthor(postgres: Postgres, profile: Client): EnsureAuthor {
  const known = new LRUCache<string, true>({ max: remembered })

  return async function ensureAuthor(userId) {
    if (known.has(userId)) return
    const rows = await postgres.query('select 1 from authors where id = $1', [userId])
    if (rows.length === 0) {
      const card = await readCard(profile, userId)
      await postgres.query(
        `insert into authors (id, username, display_name, avatar_url)
         values ($1, $2, $3, $4) on conflict do nothing`,
        [userId, card.username, card.display_name, card.avatar_url],
      )
    }
    known.set(userId, true)
  }
}

async function readCard(profile: Client, userId: string): Promise<Card> {
  try {
    const { body } = await profile.request<Card>({
      method: 'GET',
      template: '/api/users/{id}',
      path: `/api/users/${userId}`,
    })
    return body
  } catch (error) {
    // The token is good, so the person exists: their registration has not reached profile yet.
    if (!(error instanceof Problem && error.status === 404)) throw error
    throw new Problem(503, 'Your profile is not ready yet. Try again in a moment.', {
      headers: { 'retry-after': '1' },
      cause: error,
    })
  }
}
