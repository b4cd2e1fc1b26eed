import type { Queryable } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { recordReady, recordUploaded } from './events.ts'
import { columns, isVideo, type Media } from './media.ts'

/** What is known once all bytes are in storage. */
export type Finished = {
  content_type: string
  bytes: number
  width: number | null
  height: number | null
  sha256: Buffer
}
/** Within a transaction. @throws Problem 503 when the upload was given up meanwhile */
export async function finishUpload(
  tx: Queryable,
  id: string,
  finished: Finished,
): Promise<{ media: Media; again: boolean }> {
  const { content_type, bytes, width, height, sha256 } = finished
  // A video has no variants to wait for.
  const status = isVideo(content_type) ? 'ready' : 'processing'
  const [media] = await tx.query<Media>(
    `update media
     set status = $2, content_type = $3, bytes = $4, width = $5, height = $6, sha256 = $7
     where id = $1 and status = 'uploading' and not exists (
       select 1 from media twin
       where twin.owner_id = media.owner_id and twin.sha256 = $7
         and twin.status in ('processing', 'ready'))
     returning ${columns}`,
    [id, status, content_type, bytes, width, height, sha256],
  )
  if (media) {
    await (status === 'ready' ? recordReady : recordUploaded)(tx, media)
    return { media, again: false }
  }
  const [twin] = await tx.query<Media>(
    `select ${columns} from media
     where status in ('processing', 'ready') and sha256 = $2
       and owner_id = (select owner_id from media where id = $1)`,
    [id, sha256],
  )
  if (!twin) throw new Problem(503, 'The upload was interrupted. Try again.')
  return { media: twin, again: true }
}
