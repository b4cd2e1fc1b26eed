import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@clew/kit/log'
import type { Verdict } from '@clew/telemetry/otlp-answer'
import { readLine } from './access-line.ts'
import { type Cursor, writeCursor } from './cursor.ts'
import type { Follower } from './follower.ts'
import { rotate } from './log-files.ts'
import { encodeSpan } from './span.ts'

export type Parts = {
  follower: Follower
  send(spans: string[]): Promise<Verdict>
  log: Logger
  paths: { log: string; cursor: string; pidFile: string }
  /** Bytes: a log that is read to its end is rotated from `rotate` on; of one further behind than `backlog` the rest is given up. */
  limits?: { rotate: number; backlog: number }
}

const pollMs = 100
const firstRetryMs = 250
const longestRetryMs = 2_000
const lastMs = 2_000
const defaultLimits = { rotate: 64 * 2 ** 20, backlog: 2 ** 30 }

/**
 * Follows NGINX's log, and makes a span of each line. The cursor moves only after the collector has
 * acknowledged: whatever dies, every line is sent at least once, and with the same ids.
 * While the collector is away the log itself is the buffer; memory holds one chunk.
 */
export function startTail({ follower, send, log, paths, limits = defaultLimits }: Parts) {
  const stop = new AbortController()
  const counts = { spans: 0, garbage: 0, refused: 0, givenUpBytes: 0 }
  const finished = follow()

  async function follow(): Promise<void> {
    let moved = false
    while (!stop.signal.aborted) {
      try {
        const advanced = await advance()
        if (advanced) moved = true
        else {
          // Only while lines come in: then nginx.pid is surely NGINX's.
          const mayRotate = moved
          moved = false
          if (mayRotate) await rotateIfLarge()
          await pause(pollMs)
        }
      } catch (error) {
        log.error({ err: error }, 'could not follow the log')
        await pause(longestRetryMs)
      }
    }
  }

  /** One chunk, from the log to the collector. False when there is nothing, or no time, to send it. */
  async function advance(): Promise<boolean> {
    const chunk = await follower.next()
    if (!chunk) return false
    const spans = encode(chunk.lines)
    if (spans.length > 0 && !(await deliver(spans))) return false
    await commit(chunk.end)
    return true
  }

  function encode(texts: string[]): string[] {
    const lines = texts.map(readLine).filter((line) => line !== undefined)
    const garbage = texts.length - lines.length
    if (garbage > 0 && counts.garbage === 0) log.warn('lines that are no access log are skipped')
    counts.garbage += garbage
    return lines.map(encodeSpan)
  }

  async function deliver(spans: string[]): Promise<boolean> {
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(retryMs * 2, longestRetryMs)) {
      const verdict = await send(spans)
      if (verdict.taken) {
        counts.spans += spans.length - verdict.refused
        counts.refused += verdict.refused
        return true
      }
      if (retryMs === firstRetryMs) log.warn('the collector is away, waiting')
      if (stop.signal.aborted || (await giveUp())) return false
      await pause(verdict.retryAfterMs ?? retryMs)
    }
  }

  /** A disk that fills up harms more than spans that are missing. */
  async function giveUp(): Promise<boolean> {
    const position = follower.position()
    const behind = await follower.behind()
    if (!position || behind < limits.backlog) return false
    counts.givenUpBytes += behind
    log.error({ bytes: behind }, 'the collector was away for too long, spans are given up')
    await commit({ ...position, offset: position.offset + behind })
    await rotateIfLarge()
    return true
  }

  async function commit(cursor: Cursor): Promise<void> {
    follower.commit(cursor)
    await writeCursor(paths.cursor, cursor)
  }

  async function rotateIfLarge(): Promise<void> {
    const position = follower.position()
    if (!position || position.offset < limits.rotate) return
    await rotate(paths.log, position.inode, Number(await readFile(paths.pidFile, 'utf8')))
  }

  function pause(milliseconds: number): Promise<void> {
    return sleep(milliseconds, undefined, { signal: stop.signal }).catch(() => {})
  }

  return {
    /** Spans sent, lines that were none, spans the collector refused, bytes given up, bytes to go. */
    stats: async () => ({ ...counts, behindBytes: await follower.behind() }),
    /** Sends what the log still holds, if the collector takes it at once. */
    async [Symbol.asyncDispose]() {
      stop.abort()
      await finished
      const deadline = performance.now() + lastMs
      while (performance.now() < deadline && (await advance().catch(() => false)));
    },
  }
}
