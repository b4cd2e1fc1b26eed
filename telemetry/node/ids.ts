import { randomFillSync } from 'node:crypto'

// Random digits are made a page at a time: one call for each id would cost more than the id.
const bytes = Buffer.allocUnsafeSlow(4_096)
let page = ''
let at = 0

export function newTraceId(): string {
  return randomHex(32)
}

export function newSpanId(): string {
  return randomHex(16)
}

/** Never all zeros, which W3C Trace Context forbids: the chance is 2^-64, and the page is not reused. */
function randomHex(digits: number): string {
  if (at + digits > page.length) {
    page = randomFillSync(bytes).toString('hex')
    at = 0
  }
  at += digits
  return page.slice(at - digits, at)
}
