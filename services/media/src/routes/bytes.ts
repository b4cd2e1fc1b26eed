import { pipeline } from 'node:stream'
import { Problem } from '@clew/kit/problem'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context, Hono } from 'hono'
import type { Deps } from '../app.ts'
import { isVideo, keyOf } from '../media.ts'
import { matches, readRange } from '../range.ts'
import type { ByteRange } from '../storage.ts'
import { noMedia, type Served } from '../store.ts'
import { type Asking, type Env, readExactId } from './request.ts'

type Variant = 'original' | 'thumb' | 'card' | 'video'
type Headers = Record<string, string>
/** What a path leads to. `key` is where its bytes are. */
type Target = { key: string; type: string; bytes: number; etag: string; final: boolean }

const names = new Set<string>(['original', 'thumb', 'card', 'video'] satisfies Variant[])

/** The bytes themselves. Hono answers GET routes to HEAD as well. */
export function addBytesRoute(app: Hono<Env>, asking: Asking, deps: Deps): void {
  const { store, storage, events, log } = deps

  app.get('/media/:id/:variant', async (c) => {
    const name = c.req.param('variant') as Variant
    const served = names.has(name) ? await store.findServed(readExactId(c), name) : undefined
    if (!served || !isOf(name, served)) throw noMedia()
    if (!served.posted && (await asking.recognise(c))?.userId !== served.owner_id) throw noMedia()
    const target = targetOf(served, name)
    const { headers: asked } = c.env.incoming
    const headers = { etag: target.etag, ...caching(served.posted, target.final) }
    // Not of what is private: to the gateway a 304 says that what it keeps is good for longer.
    if (served.posted && matches(asked['if-none-match'], target.etag)) {
      events.served(name, 'unchanged')
      return new Response(null, { status: 304, headers })
    }
    const whole = {
      ...headers,
      'accept-ranges': 'bytes',
      'content-type': target.type,
      'content-disposition': 'inline',
      'x-content-type-options': 'nosniff',
    }
    if (c.env.incoming.method === 'HEAD') {
      return new Response(null, { headers: { ...whole, 'content-length': String(target.bytes) } })
    }
    // A range of what is no longer the same would not fit the part that is there already.
    const fits = asked['if-range'] === undefined || asked['if-range'] === target.etag
    const range = fits ? readRange(asked.range, target.bytes) : undefined
    if (range === 'unsatisfiable') {
      throw new Problem(416, `There are ${target.bytes} bytes.`, {
        headers: { 'content-range': `bytes */${target.bytes}` },
      })
    }
    events.served(name, range ? 'part' : 'whole')
    return sendBytes(c, target, whole, range)
  })

  async function sendBytes(
    c: Context<Env>,
    { key, bytes }: Target,
    headers: Headers,
    range: ByteRange | undefined,
  ): Promise<Response> {
    const found = await storage.get(key, range)
    // Deleted since its row was read.
    if (!found) throw noMedia()
    const { outgoing } = c.env
    outgoing.writeHead(range ? 206 : 200, {
      ...headers,
      'content-length': found.bytes,
      ...(range && { 'content-range': `bytes ${range.start}-${range.end}/${bytes}` }),
    })
    // Straight from the storage to the socket; a Response would pass it through one stream more.
    pipeline(found.stream, outgoing, (error) => {
      if (error && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') {
        log.warn({ err: error }, 'bytes broke off')
      }
    })
    return RESPONSE_ALREADY_SENT
  }
}

function isOf(name: Variant, { content_type }: Served): boolean {
  return (name === 'video') === isVideo(content_type)
}

/** A variant that is not made yet is the original for now. */
function targetOf(served: Served, name: Variant): Target {
  const { id, variant_bytes, variant_sha256 } = served
  if ((name === 'thumb' || name === 'card') && variant_bytes && variant_sha256) {
    return {
      key: keyOf(id, name),
      type: 'image/webp',
      bytes: variant_bytes,
      etag: etagOf(variant_sha256),
      final: true,
    }
  }
  return {
    key: keyOf(id, 'original'),
    type: served.content_type,
    bytes: served.bytes,
    etag: etagOf(served.sha256),
    final: name === 'original' || name === 'video',
  }
}

function etagOf(sha256: Buffer): string {
  return `"${sha256.toString('hex')}"`
}

/**
 * For browsers it never changes; the gateway asks again after ten minutes, should its news of a
 * deletion have been lost. What is private, or will change, nobody but the browser may keep.
 */
function caching(posted: boolean, final: boolean): Headers {
  if (!posted) return { 'cache-control': 'private, no-store', 'x-accel-expires': '0' }
  if (!final) return { 'cache-control': 'no-cache', 'x-accel-expires': '0' }
  return { 'cache-control': 'public, max-age=31536000, immutable', 'x-accel-expires': '600' }
}
