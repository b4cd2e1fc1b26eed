import { type VariantName, variantSizes } from './variants.ts'

export type Status = 'uploading' | 'processing' | 'ready' | 'failed' | 'deleting'
/** A row whose bytes are in storage. `width` and `height` as seen, in pixels; of a video null. */
export type Media = {
  id: string
  owner_id: string
  status: Status
  content_type: string
  bytes: number
  width: number | null
  height: number | null
  created_at: Date
}

export const columns = `media.id, media.owner_id, media.status, media.content_type, media.bytes,
  media.width, media.height, media.created_at`

/** Of rows that are a Media, as SQL: their bytes are all there, and are to stay. */
export const whole = `media.status in ('processing', 'ready', 'failed')`

/** Media as it is sent out. The sizes of its variants are known before they are made. */
export function showMedia(media: Media) {
  const { id, owner_id, content_type, bytes, width, height, status, created_at } = media
  const sizes = width && height && status !== 'failed' ? variantSizes(width, height) : []
  return {
    id,
    user_id: owner_id,
    url: `/media/${id}/${isVideo(content_type) ? 'video' : 'original'}`,
    content_type,
    bytes,
    width,
    height,
    variants: sizes.map((size) => ({
      name: size.name,
      url: `/media/${id}/${size.name}`,
      content_type: 'image/webp',
      width: size.width,
      height: size.height,
    })),
    status,
    created_at,
  }
}

export function isVideo(contentType: string): boolean {
  return contentType.startsWith('video/')
}

/** Where the bytes are in storage. */
export function keyOf(id: string, name: 'original' | VariantName): string {
  return `${id}/${name}`
}

/** Every key that may hold bytes of this media. */
export function keysOf(id: string): string[] {
  return [keyOf(id, 'original'), keyOf(id, 'thumb'), keyOf(id, 'card')]
}
