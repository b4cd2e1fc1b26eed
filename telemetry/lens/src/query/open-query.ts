import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Logger } from '@clew/kit/log'
import type { Counters } from '../counters.ts'

type Options = { folder: string; port: number; host: string; counters: Counters; log: Logger }

const restartMs = 500

/**
 * Starts the thread that answers queries; resolves once it listens. The database must be open already.
 * Should the thread die, taking in spans goes on, and another thread takes its place.
 * @throws Error with code EADDRINUSE when the port is taken
 */
export async function openQuery({ counters, log, ...data }: Options): Promise<AsyncDisposable> {
  const workerData = { ...data, memory: counters.memory }
  const stop = new AbortController()
  let worker = startWorker(workerData)
  await worker.listening
  const kept = keep()

  async function keep(): Promise<void> {
    for (;;) {
      const reason = await worker.ended
      if (stop.signal.aborted) return
      log.error({ err: reason }, 'the thread that answers queries ended; another begins')
      await sleep(restartMs, undefined, { signal: stop.signal }).catch(() => {})
      if (stop.signal.aborted) return
      worker = startWorker(workerData)
    }
  }

  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      worker.stop()
      await kept
    },
  }
}

function startWorker(workerData: object) {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData })
  let reason: unknown
  const listening = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<unknown>()
  // Of a thread that takes another's place nobody waits for this.
  listening.promise.catch(() => {})
  worker.once('message', () => listening.resolve())
  worker.on('error', (error) => {
    reason = error
  })
  worker.once('exit', (code) => {
    reason ??= new Error(`The thread ended with ${code}.`)
    listening.reject(reason)
    ended.resolve(reason)
  })
  return {
    listening: listening.promise,
    /** Resolves when the thread is gone, with the error that it died of. */
    ended: ended.promise,
    stop: () => worker.postMessage('stop'),
  }
}
