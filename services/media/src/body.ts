import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { Problem } from '@clew/kit/problem'

export const bytesAtMost = 100 * 1024 * 1024
const idleMsAtMost = 30_000
const lingerMs = 5_000
const pieceBytes = 64 * 1024

/**
 * The body of an upload as a stream of its own: destroying it leaves the connection open, so that
 * the answer can still be sent. It fails with Problem 413 beyond `atMost` bytes, 408 when nothing
 * comes for `idleMs`, 400 when the client goes away.
 * @throws Problem 413 at once when the request says that it is larger, 400 when the client has gone
 */
export function openBody(
  incoming: IncomingMessage,
  atMost: number,
  idleMs = idleMsAtMost,
): Readable {
  if (Number(incoming.headers['content-length'] ?? 0) > atMost) throw tooLarge()
  // Nothing would ever tell it again.
  if (incoming.destroyed) throw brokenOff()
  let size = 0
  const body = new Readable({
    highWaterMark: pieceBytes,
    read: () => void incoming.resume(),
    destroy(error, done) {
      clearTimeout(timer)
      incoming.off('data', take).off('end', end).off('close', breakOff)
      // What still comes is dropped, until the answer is out or the client has understood.
      incoming.resume()
      done(error)
    },
  })
  const timer = setTimeout(() => {
    // Paused, it is we who are slow.
    if (incoming.isPaused()) timer.refresh()
    else body.destroy(new Problem(408, `No bytes came for ${idleMs / 1_000} s.`))
  }, idleMs)
  function take(chunk: Buffer) {
    timer.refresh()
    size += chunk.length
    if (size > atMost) body.destroy(tooLarge())
    else if (!body.push(chunk)) incoming.pause()
  }
  function end() {
    clearTimeout(timer)
    body.push(null)
  }
  function breakOff() {
    // All of it may have arrived: what was not read by now is gone.
    if (!incoming.readableEnded) body.destroy(brokenOff())
  }
  incoming.on('data', take).on('end', end).on('close', breakOff)
  // Whoever reads meets the error, and `close` tells it too. It may come when nobody reads, and then
  // it would end the process.
  incoming.on('error', () => {})
  body.on('error', () => {})
  incoming.pause()
  return body
}

function brokenOff(): Problem {
  return new Problem(400, 'The body broke off.')
}

export function tooLarge(): Problem {
  return new Problem(413, `An upload must not be larger than ${bytesAtMost / 1024 / 1024} MB.`)
}

/**
 * An answer may be out before its request has come in whole. Closing the connection then could
 * take the answer from the client, so the rest is read and dropped, for a while.
 */
export function lingerAfterAnswer(incoming: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.once('finish', () => {
    if (incoming.complete) return
    const timer = setTimeout(() => incoming.socket.destroy(), lingerMs).unref()
    incoming.once('end', () => clearTimeout(timer))
    incoming.on('error', () => {})
    incoming.resume()
  })
}
