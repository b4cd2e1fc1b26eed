import type { Postgres } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { recordDeleted } from './events.ts'
import { type Finished, finishUpload } from './finished.ts'
import { columns, type Media, type Status, whole } from './media.ts'

/** `posted`: a post shows it, so everybody may see it. */
export type Found = Media & { posted: boolean }
/** What a path leads to: the original's bytes as long as there is no such variant. */
export type Served = Found & {
  sha256: Buffer
  variant_bytes: number | null
  variant_sha256: Buffer | null
}
export type Store = ReturnType<typeof createStore>

const posted = `left join lateral (
    select true as posted from uses where uses.media_id = media.id limit 1
  ) shown on true`

/** SQL of uploads, reads and removal. Every function throws Problem 503 while Postgres is away. */
export function createStore(postgres: Postgres) {
  return {
    async begin(id: string, ownerId: string): Promise<void> {
      await postgres.query(`insert into media (id, owner_id) values ($1, $2)`, [id, ownerId])
    },

    /** Says that bytes still arrive. */
    async touch(id: string): Promise<void> {
      await postgres.query(
        `update media set touched_at = now() where id = $1 and status = 'uploading'`,
        [id],
      )
    },

    /**
     * Makes an upload a media, with the fact that says so. Gives the one there is (`again`) when
     * its owner had uploaded the same bytes before; then nothing is changed.
     * @throws Problem 503 when the upload was given up as abandoned meanwhile
     */
    async finish(id: string, finished: Finished): Promise<{ media: Media; again: boolean }> {
      const attempt = () => postgres.transaction((tx) => finishUpload(tx, id, finished))
      // Two uploads of the same bytes at once: the one that lost finds the other's row.
      return attempt().catch((error) =>
        error.code === '23505' ? attempt() : Promise.reject(error),
      )
    },

    /**
     * From here on an upload cannot become a media. False when it is one already: the answer to its
     * COMMIT may have been lost, or be under way, and then this waits for it.
     */
    async giveUp(id: string): Promise<boolean> {
      const [found] = await postgres.query<{ status: Status }>(
        `update media
         set status = case status when 'uploading' then 'deleting' else status end,
           touched_at = now()
         where id = $1 returning status`,
        [id],
      )
      // One that was swept meanwhile has no row, and may have got its bytes since.
      return found === undefined || found.status === 'deleting'
    },

    async find(id: string): Promise<Found | undefined> {
      const [found] = await postgres.query<Found>(
        `select ${columns}, coalesce(posted, false) as posted
         from media ${posted}
         where media.id = $1 and ${whole}`,
        [id],
      )
      return found
    },

    async findServed(id: string, variant: string): Promise<Served | undefined> {
      const [served] = await postgres.query<Served>(
        `select ${columns}, media.sha256, coalesce(posted, false) as posted,
           variants.bytes as variant_bytes, variants.sha256 as variant_sha256
         from media
         left join variants on variants.media_id = media.id and variants.name = $2
         ${posted}
         where media.id = $1 and ${whole}`,
        [id, variant],
      )
      return served
    },

    /**
     * From here on nobody can see it. Its bytes are still to be removed, then its row.
     * @throws Problem 404, also for somebody else's that no post shows; 403, 409 while a post shows it
     */
    async markDeleted(id: string, userId: string): Promise<void> {
      await postgres.transaction(async (tx) => {
        // Locked before uses are looked for: a post being written waits here, or is seen.
        const [media] = await tx.query<Media>(
          `select ${columns} from media where id = $1 and ${whole} for update`,
          [id],
        )
        if (!media) throw noMedia()
        const uses = await tx.query(`select 1 from uses where media_id = $1 limit 1`, [id])
        const [own, shown] = [media.owner_id === userId, uses.length > 0]
        if (!own && !shown) throw noMedia()
        if (!own) throw new Problem(403, 'Only whoever uploaded it may delete it.')
        if (shown) throw new Problem(409, 'A post shows it. Delete the post first.')
        await tx.query(`update media set status = 'deleting', touched_at = now() where id = $1`, [
          id,
        ])
        await recordDeleted(tx, media)
      })
    },

    /** The last step of a removal: call it once storage holds none of its bytes. */
    async forget(id: string): Promise<void> {
      await postgres.query(
        `delete from media where id = $1 and status in ('uploading', 'deleting')`,
        [id],
      )
    },
  }
}

/** The gateway keeps this for a second, over what it may have had before. */
export function noMedia(): Problem {
  return new Problem(404, 'There is no such media.', {
    headers: { 'x-accel-expires': '1', 'cache-control': 'no-store' },
  })
}
