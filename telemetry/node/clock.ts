/**
 * Wall-clock time in nanoseconds since 1970, as digits, with microseconds that are true.
 * The stock SDK starts its spans on whole milliseconds, so that a query of 0.3 ms may seem to run
 * before the request that sent it; here the fine part comes from the monotonic clock.
 */
export function nanosNow(): string {
  const now = performance.now()
  if (now >= checkAt) follow(now)
  const ms = offset + now
  const second = Math.floor(ms / 1_000)
  if (second !== lastSecond) {
    lastSecond = second
    lastDigits = String(second)
  }
  return lastDigits + String(Math.floor((ms - second * 1_000) * 1e6)).padStart(9, '0')
}

const checkEveryMs = 1_000
let offset = performance.timeOrigin
let checkAt = 0
// The digits of the second change seldom; making them of so large a number is slow.
let lastSecond = 0
let lastDigits = ''

// The monotonic clock and the wall clock drift apart over hours. `Date.now()` is cut to whole
// milliseconds, so the true time is at most one later: staying inside that keeps all processes of a
// machine within a millisecond of each other.
function follow(now: number) {
  checkAt = now + checkEveryMs
  const wall = Date.now()
  const ahead = offset + now - wall
  if (ahead < 0) offset -= ahead
  else if (ahead >= 1) offset -= ahead - 1
}
