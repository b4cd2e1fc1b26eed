import type { IncomingMessage } from 'node:http'
import type { z } from 'zod'
import { Problem } from './problem.ts'
import { parse } from './validate.ts'

const maxBytes = 64 * 1024

/**
 * The body of a request, which must be JSON in UTF-8 of at most 64 KB, and fit the schema.
 * @throws Problem 415, 413, 400 or 422
 */
export async function readJson<Schema extends z.ZodType>(
  incoming: IncomingMessage,
  schema: Schema,
): Promise<z.infer<Schema>> {
  if (!/^application\/json\s*(?:;|$)/i.test(incoming.headers['content-type'] ?? '')) {
    throw new Problem(415, 'The body must be application/json.')
  }
  return parse(schema, parseJson(await readBytes(incoming)))
}

// Not for await: leaving the loop early would destroy the connection before the answer is out.
async function readBytes(incoming: IncomingMessage): Promise<Buffer> {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > maxBytes) reject(tooLarge())
    else chunks.push(chunk)
  })
  incoming.on('end', () => resolve(Buffer.concat(chunks)))
  incoming.on('error', () => reject(new Problem(400, 'The body broke off.')))
  return promise
}

/** @throws Problem 400 unless the bytes are JSON in UTF-8 */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new Problem(400, 'The body is not valid JSON.', { cause })
  }
}

function tooLarge(): Problem {
  return new Problem(413, 'The body must not be larger than 64 KB.')
}
