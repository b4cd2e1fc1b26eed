import type { Carrier } from '@clew/telemetry/events'
import type { RedisConnection } from './redis.ts'

/** A fact that happened, as it travels: `type` such as `user.registered`, and the trace it belongs to. */
export type Fact = { id: string; type: string; payload: object; carrier: Carrier }
/** What a stream holds under one id; without fields when it was trimmed from the stream meanwhile. */
export type Entry = { id: string; fields: Record<string, string> | undefined }

type Place = { stream: string; from: string; count: number; blockMs: number | undefined }
type RawEntry = [id: string, fields: string[] | null]
type Reply = Record<string, RawEntry[]> | null

/** The client's own commands throw on an entry that was taken by a group and trimmed meanwhile. */
export async function readEntries(
  client: RedisConnection,
  command: string[],
  { stream, from, count, blockMs }: Place,
): Promise<Entry[]> {
  const block = blockMs === undefined ? [] : ['BLOCK', String(blockMs)]
  const words = [...command, 'COUNT', String(count), ...block, 'STREAMS', stream, from]
  const reply = await client.sendCommand<Reply>(words)
  return (reply?.[stream] ?? []).map(toEntry)
}

/** Takes one entry for this consumer, and counts that. */
export async function claimEntry(
  client: RedisConnection,
  { stream, group, consumer }: { stream: string; group: string; consumer: string },
  id: string,
): Promise<Entry> {
  const words = ['XCLAIM', stream, group, consumer, '0', id]
  const [found] = await client.sendCommand<RawEntry[]>(words)
  return found ? toEntry(found) : { id, fields: undefined }
}

export function toFields(fact: Fact): Record<string, string> {
  return { id: fact.id, type: fact.type, payload: JSON.stringify(fact.payload), ...fact.carrier }
}

/** @throws SyntaxError */
export function toFact(fields: Record<string, string>): Fact {
  const { id = '', type = '', payload = '{}', ...carrier } = fields
  return { id, type, payload: JSON.parse(payload), carrier }
}

function toEntry([id, fields]: RawEntry): Entry {
  return { id, fields: fields ? toObject(fields) : undefined }
}

function toObject(pairs: string[]): Record<string, string> {
  const object: Record<string, string> = {}
  for (let at = 0; at < pairs.length; at += 2) object[pairs[at]!] = pairs[at + 1]!
  return object
}
