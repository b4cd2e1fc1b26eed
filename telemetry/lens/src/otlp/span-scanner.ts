import type { Instant } from '../store/pack.ts'
import { openList, openObject, quote, skipValue, walkObject } from './json-text.ts'
import { errorStatus } from './shape.ts'
import { type SpanRecord, settleSpan } from './span-record.ts'

const known = [
  'traceId',
  'spanId',
  'parentSpanId',
  'name',
  'kind',
  'startTimeUnixNano',
  'endTimeUnixNano',
  'status',
  'attributes',
  'events',
  'links',
].map((name) => ({ name, bytes: Buffer.from(name) }))
const byLength = Array.from({ length: 32 }, (_, length) =>
  known.filter(({ bytes }) => bytes.length === length),
)

// 1 for the digits of a lower-case hexadecimal number.
const hexadecimal = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[0-9a-f]/.test(String.fromCharCode(byte)) ? 1 : 0,
)
const noSpan = '0'.repeat(16)
const noTrace = '0'.repeat(32)
const timeless: Instant = { micros: 0, rest: 0 }

/**
 * Reads spans off the text of a request. A span as every SDK writes it is understood in passing; any
 * other is parsed and put into that spelling. Nothing of what a span carries beyond its ids, name,
 * kind, times and status is ever made into objects: that is most of the text and of the time.
 */
export function createSpanScanner(bytes: Buffer) {
  let record: SpanRecord
  let usual: boolean
  let lastTrace = ''

  /** Reads the span at a position; a text says why it cannot be kept. `end` is the position behind it. */
  function span(from: number, place: number): { end: number; taken: SpanRecord | string } {
    record = blank(place, from)
    usual = bytes[from] === openObject
    record.to = usual ? walkObject(bytes, from, member) : skipValue(bytes, from)
    if (!usual || record.traceId === '' || record.id === '') {
      const taken = settleSpan(bytes.toString('utf8', from, record.to), record)
      return { end: record.to, taken }
    }
    return { end: record.to, taken: record }
  }

  function member(at: number, keyFrom: number, keyTo: number): number {
    const end = skipValue(bytes, at)
    switch (fieldOf(keyFrom, keyTo)) {
      case 'traceId':
        record.traceId = readTraceId(at, end)
        break
      case 'spanId':
        record.id = readId(at, end, noSpan)
        break
      case 'parentSpanId':
        // Empty for a root.
        record.parent = end === at + 2 && bytes[at] === quote ? '' : readId(at, end, noSpan)
        break
      case 'name':
        record.name = readName(at, end)
        break
      case 'kind':
        record.kind = readDigit(at, end, 5)
        break
      case 'startTimeUnixNano':
        record.start = readTime(at, end)
        break
      case 'endTimeUnixNano':
        record.end = readTime(at, end)
        break
      case 'status':
        if (bytes[at] === openObject) walkObject(bytes, at, statusMember)
        else usual = false
        break
      case undefined:
        break
      default:
        if (bytes[at] !== openList) usual = false
    }
    return end
  }

  function statusMember(at: number, keyFrom: number, keyTo: number): number {
    const end = skipValue(bytes, at)
    const isCode = keyTo - keyFrom === 4 && bytes.toString('latin1', keyFrom, keyTo) === 'code'
    if (isCode) record.error = readDigit(at, end, 2) === errorStatus
    return end
  }

  function fieldOf(from: number, to: number): string | undefined {
    const candidates = byLength[to - from]
    if (candidates === undefined) return undefined
    for (const { name, bytes: key } of candidates) {
      let at = 0
      while (at < key.length && bytes[from + at] === key[at]) at++
      if (at === key.length) return name
    }
    return undefined
  }

  /** Neighbours mostly share a trace, and so the text of its id. */
  function readTraceId(at: number, end: number): string {
    if (end - at === 34 && lastTrace !== '') {
      let same = 0
      while (same < 32 && bytes[at + 1 + same] === lastTrace.charCodeAt(same)) same++
      if (same === 32) return lastTrace
    }
    lastTrace = readId(at, end, noTrace)
    return lastTrace
  }

  /** An id as long as `none`, which it may not be. */
  function readId(at: number, end: number, none: string): string {
    let next = at + 1
    while (hexadecimal[bytes[next]!] === 1) next++
    if (bytes[at] === quote && next === end - 1 && end - at === none.length + 2) {
      const id = bytes.toString('latin1', at + 1, next)
      if (id !== none) return id
    }
    usual = false
    return ''
  }

  function readName(at: number, end: number): string {
    if (bytes[at] === quote) {
      const name = bytes.toString('utf8', at + 1, end - 1)
      return name.includes('\\') ? JSON.parse(`"${name}"`) : name
    }
    usual = false
    return ''
  }

  function readDigit(at: number, end: number, most: number): number {
    const digit = bytes[at]! - 0x30
    if (end === at + 1 && digit >= 0 && digit <= most) return digit
    usual = false
    return 0
  }

  /** Nanoseconds as a string of digits, of which the last three are the rest. */
  function readTime(at: number, end: number): Instant {
    let micros = 0
    let rest = 0
    let next = at + 1
    for (; next < end - 1; next++) {
      const digit = bytes[next]! - 0x30
      if (!(digit >= 0 && digit <= 9)) break
      if (next < end - 4) micros = micros * 10 + digit
      else rest = rest * 10 + digit
    }
    if (bytes[at] === quote && next === end - 1 && end - at <= 22) return { micros, rest }
    usual = false
    return timeless
  }

  return { span }
}

function blank(place: number, from: number): SpanRecord {
  return {
    traceId: '',
    id: '',
    parent: '',
    name: '',
    kind: 0,
    operation: 0,
    error: false,
    start: timeless,
    end: timeless,
    place,
    from,
    to: from,
    text: undefined,
  }
}
