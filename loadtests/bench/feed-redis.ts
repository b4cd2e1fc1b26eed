import type { Platform } from '@clew/launcher/platform'
import { createClient } from 'redis'

export type Admin = Awaited<ReturnType<typeof openAdmin>>

/** A connection to a platform's Redis that may do anything. */
export async function openAdmin({ urls }: Platform) {
  const client = createClient({ url: urls.redis })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}

export function timelineKey(user: string): string {
  return `feed:timeline:${user}`
}

/** With a timeline goes the list of celebrities that are merged into it. */
export function celebritiesKey(user: string): string {
  return `feed:celebrities:${user}`
}
