import type { AnyValue } from '../otlp/shape.ts'

/** A value as a string, the form in which attributes are searched and Jaeger shows lists. */
export function stringOf(value: AnyValue | undefined | null): string {
  const plain = plainOf(value)
  return typeof plain === 'object' ? JSON.stringify(plain) : String(plain ?? '')
}

export function plainOf(value: AnyValue | undefined | null): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(plainOf)
  if (value.kvlistValue) {
    const entries = value.kvlistValue.values ?? []
    return Object.fromEntries(entries.map(({ key, value }) => [key, plainOf(value)]))
  }
  if (value.intValue !== undefined) return integerOf(value.intValue)
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue
}

/** How a value appears inside JSON text, without its quotes. */
export function textOf(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}

function integerOf(value: string | number): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}
