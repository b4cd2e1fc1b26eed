import { publish } from '@clew/kit/outbox'
import type { Postgres, Queryable } from '@clew/kit/postgres'
import { type FieldError, Problem } from '@clew/kit/problem'
import { stream } from './events.ts'
import { columns, type Media, whole } from './media.ts'
import type { NewUses } from './schemas.ts'
import type { PostCreated } from './worker-schemas.ts'

export type Uses = ReturnType<typeof createUses>

const sweptAtMost = 100

/** How long a use waits for its post: feed stores the post at once, or not at all. */
export const unconfirmedMs = 600_000

/** Which posts show what. Every function throws Problem 503 while Postgres is away. */
export function createUses(postgres: Postgres) {
  return {
    /**
     * A post is about to show these. From here on everybody may see them, as the post may be read
     * before its fact arrives. The same again changes nothing.
     * @throws Problem 422 naming those that are unknown, somebody else's, or could not be decoded
     */
    request({ post_id, user_id, media_ids }: NewUses): Promise<Media[]> {
      return postgres.transaction(async (tx) => {
        // Shared locks: whoever deletes one of them waits, and then finds its use.
        const found = await tx.query<Media>(
          `select ${columns} from media
           where id = any($1) and owner_id = $2 and ${whole}
           order by id for share`,
          [media_ids, user_id],
        )
        const media = pickAll(media_ids, found)
        await tx.query(
          `insert into uses (media_id, post_id) select distinct id, $2::uuid from unnest($1::uuid[]) id
           on conflict do nothing`,
          [media_ids, post_id],
        )
        return media
      })
    },

    /**
     * The post is stored. A use that is missing was given up for being unconfirmed too long, and
     * comes back; unless the post was withdrawn, the fact of which may have come first.
     */
    async confirm({ post_id, user_id, media_ids }: PostCreated): Promise<void> {
      if (media_ids.length === 0) return
      await postgres.query(
        `with found as (
           select id from media
           where id = any($2) and owner_id = $3 and ${whole}
             and not exists (select from withdrawn where post_id = $1)
           order by id for share)
         insert into uses (media_id, post_id, confirmed)
         select id, $1, true from found
         on conflict (media_id, post_id) do update set confirmed = true`,
        [post_id, media_ids, user_id],
      )
    },

    /**
     * The post is gone, or was never stored, and will not be shown. What no other post shows is
     * private again, and facts say so.
     */
    async withdraw(postId: string): Promise<void> {
      await postgres.query(`insert into withdrawn (post_id) values ($1) on conflict do nothing`, [
        postId,
      ])
      const shown = await postgres.query<{ media_id: string }>(
        `select media_id from uses where post_id = $1`,
        [postId],
      )
      if (shown.length === 0) return
      const ids = shown.map(({ media_id }) => media_id)
      await postgres.transaction((tx) => hide(tx, ids, `post_id = $2`, postId))
    },

    /** Gives up uses whose post was never stored. Gives the ids of what is private again. */
    async expire(olderMs: number): Promise<string[]> {
      const found = await postgres.query<{ media_id: string }>(
        `select distinct media_id from uses
         where not confirmed and created_at < now() - $1 * interval '1 ms' limit ${sweptAtMost}`,
        [olderMs],
      )
      if (found.length === 0) return []
      const ids = found.map(({ media_id }) => media_id)
      const late = `not confirmed and created_at < now() - $2 * interval '1 ms'`
      return postgres.transaction((tx) => hide(tx, ids, late, olderMs))
    },

    /** No longer keeps in mind which posts were withdrawn a day ago: their facts have all come. */
    async forget(): Promise<void> {
      await postgres.query(`delete from withdrawn where created_at < now() - interval '1 day'`)
    },
  }
}

/**
 * Removes these uses. What is left without one is private from now on: facts say so, and its ids are
 * given. Locked first: of two who remove the last two uses, one sees it.
 */
async function hide(tx: Queryable, ids: string[], which: string, value: unknown) {
  await tx.query(`select id from media where id = any($1) order by id for update`, [ids])
  await tx.query(`delete from uses where media_id = any($1) and ${which}`, [ids, value])
  const hidden = await tx.query<{ id: string; owner_id: string }>(
    `select id, owner_id from media
     where id = any($1) and ${whole} and not exists (select from uses where media_id = media.id)`,
    [ids],
  )
  for (const { id: media_id, owner_id: user_id } of hidden) {
    await publish(tx, stream, 'media.hidden', { media_id, user_id })
  }
  return hidden.map(({ id }) => id)
}

/** In the order asked for. */
function pickAll(ids: string[], found: Media[]): Media[] {
  const media: Media[] = []
  const errors: FieldError[] = []
  for (const [index, id] of ids.entries()) {
    const one = found.find((candidate) => candidate.id === id.toLowerCase())
    if (one && one.status !== 'failed') media.push(one)
    else errors.push({ field: `media_ids.${index}`, message: one ? undecodable : unknown })
  }
  if (errors.length > 0) {
    throw new Problem(422, 'A post can only show pictures and videos of its author.', { errors })
  }
  return media
}

const unknown = 'You have uploaded no such media.'
const undecodable = 'This picture could not be decoded.'
