import type { Instant } from './pack.ts'

/** Reads OTLP's Unix nanoseconds, which come as text or as a number; what is missing is 0. */
export function readInstant(nanos: string | number | undefined): Instant {
  if (!nanos) return { micros: 0, rest: 0 }
  const digits = typeof nanos === 'string' ? nanos : String(Math.floor(nanos))
  return { micros: Number(digits.slice(0, -3)), rest: Number(digits.slice(-3)) }
}

/** The same instant as decimal nanoseconds. */
export function nanosOf({ micros, rest }: Instant): string {
  return micros === 0 ? String(rest) : `${micros}${String(rest).padStart(3, '0')}`
}

export function isBefore(a: Instant, b: Instant): boolean {
  return a.micros < b.micros || (a.micros === b.micros && a.rest < b.rest)
}
