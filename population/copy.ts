import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from } from 'pg-copy-streams'

export type Value = string | number | boolean | null

const chunkLength = 64 * 1024
const special = /[\\\t\n\r]/g
const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/**
 * Sends rows to a table by COPY, as they come: only a chunk of them is in memory.
 * @param target the table and its columns, `likes (user_id, post_id)`
 */
export async function copy(
  client: pg.Client,
  target: string,
  rows: Iterable<Value[]>,
): Promise<void> {
  await pipeline(Readable.from(chunks(rows)), client.query(from(`copy ${target} from stdin`)))
}

/** Chunks of the text form of COPY. */
function* chunks(rows: Iterable<Value[]>): Generator<Buffer> {
  let text = ''
  for (const row of rows) {
    let separator = ''
    for (const value of row) {
      text += separator
      text += value === null ? '\\N' : typeof value === 'string' ? protect(value) : value
      separator = '\t'
    }
    text += '\n'
    if (text.length < chunkLength) continue
    yield Buffer.from(text)
    text = ''
  }
  if (text) yield Buffer.from(text)
}

function protect(text: string): string {
  return text.replace(special, (character) => escapes[character]!)
}
