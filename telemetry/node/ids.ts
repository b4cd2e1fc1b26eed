import { randomFillSync } from 'node:crypto'

// Random bytes are fetched a page at a time: one call for each id would cost more than the id.
const page = Buffer.allocUnsafeSlow(4_096)
let at = page.length

export function newTraceId(): string {
  return randomHex(16)
}

export function newSpanId(): string {
  return randomHex(8)
}

/** Never all zeros, which W3C Trace Context forbids: the chance is 2^-64, and the page is not reused. */
function randomHex(bytes: number): string {
  if (at + bytes > page.length) {
    randomFillSync(page)
    at = 0
  }
  const hex = page.toString('hex', at, at + bytes)
  at += bytes
  return hex
}
