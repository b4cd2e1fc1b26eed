import { createHash } from 'node:crypto'
import type { RedisConnection } from '@clew/kit/redis'
import { RESP_TYPES } from 'redis'

type Argument = string | Buffer
export type Script = ReturnType<typeof defineScript>

/**
 * A script in Redis, sent by its digest: the text travels only when Redis does not know it yet.
 * Strings in its reply arrive as Buffers, since they hold raw ids.
 */
export function defineScript(text: string) {
  const digest = createHash('sha1').update(text).digest('hex')
  return async <Reply>(
    client: RedisConnection,
    keys: Argument[],
    values: Argument[],
  ): Promise<Reply> => {
    const raw = rawClient(client)
    const options = { keys, arguments: values }
    try {
      return (await raw.evalSha(digest, options)) as Reply
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error
      return (await raw.eval(text, options)) as Reply
    }
  }
}

const rawClients = new WeakMap<RedisConnection, ReturnType<typeof withBuffers>>()

/** The same connection, whose replies hold Buffers in place of strings. */
export function rawClient(client: RedisConnection) {
  const known = rawClients.get(client)
  if (known) return known
  const made = withBuffers(client)
  rawClients.set(client, made)
  return made
}

function withBuffers(client: RedisConnection) {
  return client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
}
