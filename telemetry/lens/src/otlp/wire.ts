/** A 64-bit integer as protobufjs reads it. */
type Wide = { low: number; high: number; unsigned: boolean }

const idFields = new Set(['traceId', 'spanId', 'parentSpanId'])

/**
 * Turns what protobufjs decoded into the shape of OTLP JSON: ids in hexadecimal, other bytes in base64,
 * 64-bit integers as decimal text. Fields that were not sent stay absent.
 */
export function toJsonShape(message: object): object {
  const shape: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(message)) {
    // protobufjs gives a list to every repeated field, sent or not.
    if (!Array.isArray(value) || value.length > 0) shape[field] = toJsonValue(value, field)
  }
  return shape
}

function toJsonValue(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => toJsonValue(item, field))
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
    return bytes.toString(idFields.has(field) ? 'hex' : 'base64')
  }
  if (isWide(value)) return decimal(value)
  return toJsonShape(value)
}

function isWide(value: object): value is Wide {
  return 'low' in value && 'high' in value && 'unsigned' in value
}

function decimal({ low, high, unsigned }: Wide): string {
  const top = BigInt(unsigned ? high >>> 0 : high)
  return ((top << 32n) | BigInt(low >>> 0)).toString()
}
