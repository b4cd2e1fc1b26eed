/** What is searched of a span, beside its service and operation: both are in `operation`. */
export type PackedSpan = {
  id: string
  /** Empty for a root. */
  parent: string
  operation: number
  error: boolean
  start: Instant
  end: Instant
}

/** Nanoseconds since 1970 do not fit a number; microseconds do, and the rest (0 to 999) is kept apart. */
export type Instant = { micros: number; rest: number }

// 40 bytes a span: start and end (microseconds, float64), operation and flags (uint32), id, parent.
const size = 40
const errorFlag = 1 << 20

export function pack(spans: PackedSpan[]): Uint8Array {
  const bytes = Buffer.from(new ArrayBuffer(spans.length * size))
  const times = new Float64Array(bytes.buffer)
  const words = new Uint32Array(bytes.buffer)
  for (let at = 0; at < spans.length; at++) {
    const span = spans[at]!
    times[at * 5] = span.start.micros
    times[at * 5 + 1] = span.end.micros
    words[at * 10 + 4] = span.operation
    words[at * 10 + 5] = span.start.rest | (span.end.rest << 10) | (span.error ? errorFlag : 0)
    bytes.write(span.id, at * size + 24, 'hex')
    if (span.parent) bytes.write(span.parent, at * size + 32, 'hex')
  }
  return bytes
}

/** Walks a pack without making an object a span; `micros` are exact to the nanosecond as fractions. */
export function scan(
  packed: Uint8Array,
  visit: (operation: number, start: number, micros: number, error: boolean) => boolean,
): boolean {
  const { times, words } = views(packed)
  for (let at = 0; at < packed.length / size; at++) {
    const flags = words[at * 10 + 5]!
    const rest = ((flags >> 10) & 1023) - (flags & 1023)
    const start = times[at * 5]!
    const micros = times[at * 5 + 1]! - start + rest / 1_000
    if (visit(words[at * 10 + 4]!, start, micros, (flags & errorFlag) !== 0)) return true
  }
  return false
}

export function unpack(packed: Uint8Array): PackedSpan[] {
  const { times, words, bytes } = views(packed)
  return Array.from({ length: packed.length / size }, (_, at) => {
    const flags = words[at * 10 + 5]!
    const parent = bytes.toString('hex', at * size + 32, at * size + 40)
    return {
      id: bytes.toString('hex', at * size + 24, at * size + 32),
      parent: parent === '0000000000000000' ? '' : parent,
      operation: words[at * 10 + 4]!,
      error: (flags & errorFlag) !== 0,
      start: { micros: times[at * 5]!, rest: flags & 1023 },
      end: { micros: times[at * 5 + 1]!, rest: (flags >> 10) & 1023 },
    }
  })
}

function views(packed: Uint8Array) {
  // Typed arrays need an aligned beginning, which a slice of a larger buffer may not have.
  const aligned = packed.byteOffset % 8 === 0 ? packed : Uint8Array.from(packed)
  const { buffer, byteOffset, length } = aligned
  return {
    times: new Float64Array(buffer, byteOffset, length / 8),
    words: new Uint32Array(buffer, byteOffset, length / 4),
    bytes: Buffer.from(buffer, byteOffset, length),
  }
}
