/** Numbers that look random and are the same each time: mulberry32. */
export function createRandom(seed: number) {
  let state = seed
  /** From 0 up to, but without, `below`. */
  function pick(below: number): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
  return {
    pick,
    /** An id of any bytes whatever, so that no order but that of the bytes sorts it right. */
    id(): string {
      const hex = Array.from({ length: 16 }, () => pick(256).toString(16).padStart(2, '0')).join('')
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    },
  }
}
