import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Counters } from '../counters.ts'

type Options = { folder: string; port: number; host: string; counters: Counters }

/**
 * Starts the thread that answers queries; resolves once it listens. The database must be open already.
 * @throws Error with code EADDRINUSE when the port is taken
 */
export async function openQuery({ counters, ...data }: Options): Promise<AsyncDisposable> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { ...data, memory: counters.memory },
  })
  await once(worker, 'message')
  return {
    async [Symbol.asyncDispose]() {
      const ended = once(worker, 'exit')
      worker.postMessage('stop')
      await ended
    },
  }
}
