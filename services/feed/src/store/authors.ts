import type { Postgres } from '@clew/kit/postgres'
import { lastId } from '../store.ts'
import type { AuthorCard } from '../worker-schemas.ts'

export type Authors = ReturnType<typeof createAuthors>

const postsAtOnce = 500

/** What the worker keeps of authors. Every function throws Problem 503 while Postgres is away. */
export function createAuthors(postgres: Postgres) {
  return {
    /** Whether this author's posts are merged in by readers instead of pushed to them. */
    async isCelebrity(id: string): Promise<boolean> {
      const [author] = await postgres.query<{ celebrity: boolean }>(
        'select celebrity from authors where id = $1',
        [id],
      )
      return author?.celebrity ?? false
    },
    async setCelebrity(id: string, celebrity: boolean): Promise<void> {
      await postgres.query('update authors set celebrity = $2 where id = $1', [id, celebrity])
    },
    /**
     * Keeps the card of everybody who changes it, authors or not: somebody who is about to write
     * their first post may have asked profile for the old one. Facts may come in any order, and more
     * than once: the card of the latest change stays.
     */
    async keepCard(card: AuthorCard): Promise<void> {
      const { user_id, username, display_name, avatar_url, updated_at } = card
      await postgres.query(
        `insert into authors (id, username, display_name, avatar_url, updated_at)
         values ($1, $2, $3, $4, $5)
         on conflict (id) do update set username     = excluded.username,
                                        display_name = excluded.display_name,
                                        avatar_url   = excluded.avatar_url,
                                        updated_at   = excluded.updated_at
         where authors.updated_at < excluded.updated_at`,
        [user_id, username, display_name, avatar_url, updated_at],
      )
    },
    /** This author's posts, newest first, 500 at a time. */
    async *postIds(userId: string): AsyncGenerator<string[]> {
      for (let below = lastId; ; ) {
        const rows = await postgres.query<{ id: string }>(
          'select id from posts where user_id = $1 and id < $2 order by id desc limit $3',
          [userId, below, postsAtOnce],
        )
        const last = rows.at(-1)
        if (last) yield rows.map(({ id }) => id)
        if (!last || rows.length < postsAtOnce) return
        below = last.id
      }
    },
  }
}
