import type { Random } from './random.ts'

const hex = Array.from({ length: 65_536 }, (_, value) => value.toString(16).padStart(4, '0'))

/** A UUID of version 7: the time in milliseconds since 1970, then random bits. */
export function uuidAt(ms: number, random: Random): string {
  const high = Math.floor(ms / 2 ** 32)
  const low = (ms % 2 ** 32) >>> 0
  const [first, second, third] = [random.word(), random.word(), random.word()]
  const version = 0x7000 | (first >>> 20)
  const variant = 0x8000 | (second & 0x3fff)
  return `${hex[high]}${hex[low >>> 16]}-${hex[low & 0xffff]}-${hex[version]}-${hex[variant]}-${
    hex[first & 0xffff]
  }${hex[third >>> 16]}${hex[third & 0xffff]}`
}
