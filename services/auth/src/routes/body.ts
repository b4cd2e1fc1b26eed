import { parseJson } from '@clew/kit/body'
import { Problem } from '@clew/kit/problem'
import type { Request, RequestHandler, Response } from 'express'

const kilobyte = 1_024
const lingerMs = 1_000

/** Reads a JSON body of at most 64 KB into `request.body`. */
export const body = readBody(64 * kilobyte)
/** For a hundred access tokens, which are more than that. */
export const largeBody = readBody(512 * kilobyte)

/**
 * Used in place of `express.json`, which reads a body that is too large to its end before it
 * refuses it, and so waits for a client that never ends it.
 */
function readBody(limit: number): RequestHandler {
  return async function readJson(request, response, next) {
    const announced = Number(request.headers['content-length'] ?? 0)
    const bytes = announced > limit ? undefined : await collect(request, limit)
    if (!bytes) {
      endAfterAnswer(request, response)
      throw new Problem(413, `The body may have at most ${limit / kilobyte} KB.`)
    }
    if (bytes.length > 0) {
      // A form of another site can send text, but not JSON.
      if (!request.is('application/json')) {
        throw new Problem(415, 'The body must be application/json.')
      }
      request.body = parseJson(bytes)
    }
    next()
  }
}

/** Undefined when there is more than `limit`; the rest is then still to come. */
async function collect(request: Request, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += chunk.length
      if (size > limit) return undefined
      chunks.push(chunk)
    }
  } catch (cause) {
    throw new Problem(400, 'The body ended early.', { cause })
  }
  return Buffer.concat(chunks)
}

/** A client that still sends must get to read the answer; but it does not get to send for ever. */
function endAfterAnswer(request: Request, response: Response) {
  response.set('connection', 'close')
  request.resume()
  response.once('finish', () => setTimeout(() => request.destroy(), lingerMs).unref())
}
