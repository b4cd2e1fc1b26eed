import type { IncomingMessage } from 'node:http'
import type { Identity, IdentityReader } from '@clew/kit/identity'
import { Problem } from '@clew/kit/problem'
import { parse } from '@clew/kit/validate'
import type { HttpBindings } from '@hono/node-server'
import { trace } from '@opentelemetry/api'
import type { Context } from 'hono'
import type { z } from 'zod'
import { nobody } from '../store.ts'

export type Env = { Bindings: HttpBindings }
export type Asking = ReturnType<typeof createAsking>

const maxBytes = 64 * 1024
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/** Who asks: for routes that need somebody, and for those that are open to all. */
export function createAsking(identity: IdentityReader) {
  async function require(c: Context<Env>): Promise<Identity> {
    const asking = await identity.require(c.env.incoming.headers.authorization)
    trace.getActiveSpan()?.setAttribute('user.id', asking.userId)
    return asking
  }
  return {
    /** @throws Problem 401 */
    require,
    /** Nobody needs a token here, but one that is shown must be good. @throws Problem 401 */
    async allow(c: Context<Env>): Promise<void> {
      if (c.env.incoming.headers.authorization !== undefined) await require(c)
    },
  }
}

/** The person in the path. @throws Problem 404 for what cannot be an id: nobody has it */
export function readPerson(c: Context<Env>): string {
  const id = c.req.param('id')?.toLowerCase() ?? ''
  if (!uuid.test(id)) throw nobody()
  return id
}

/** @throws Problem 415, 413, 400 or 422 */
export async function readBody<Schema extends z.ZodType>(
  c: Context<Env>,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const { incoming } = c.env
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
function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new Problem(400, 'The body is not valid JSON.')
  }
}

function tooLarge(): Problem {
  return new Problem(413, 'The body must not be larger than 64 KB.')
}
