import { createHash } from 'node:crypto'
import type { Postgres } from '@clew/kit/postgres'
import { recordReady } from './events.ts'
import { columns, type Media } from './media.ts'
import type { Variant } from './variants.ts'

export type MadeStore = ReturnType<typeof createMadeStore>

/** SQL of what becomes of an uploaded picture. Throws Problem 503 while Postgres is away. */
export function createMadeStore(postgres: Postgres) {
  return {
    /** Whatever its status. */
    async find(id: string): Promise<Media | undefined> {
      const [media] = await postgres.query<Media>(
        `select ${columns} from media where media.id = $1`,
        [id],
      )
      return media
    },

    /** All variants are in storage. False when the media was deleted, or finished, meanwhile. */
    finish(id: string, variants: Variant[]): Promise<boolean> {
      return postgres.transaction(async (tx) => {
        const [media] = await tx.query<Media>(
          `update media set status = 'ready' where id = $1 and status = 'processing'
           returning ${columns}`,
          [id],
        )
        if (!media) return false
        await tx.query(
          `insert into variants (media_id, name, bytes, width, height, sha256)
           select $1, name, bytes, width, height, sha256
           from unnest($2::text[], $3::int[], $4::int[], $5::int[], $6::bytea[])
             as made (name, bytes, width, height, sha256)`,
          [
            id,
            variants.map(({ name }) => name),
            variants.map(({ data }) => data.length),
            variants.map(({ width }) => width),
            variants.map(({ height }) => height),
            variants.map(({ data }) => createHash('sha256').update(data).digest()),
          ],
        )
        await recordReady(tx, media)
        return true
      })
    },

    /** There will be no variants. */
    async fail(id: string): Promise<void> {
      await postgres.query(
        `update media set status = 'failed' where id = $1 and status = 'processing'`,
        [id],
      )
    },
  }
}
