import { parentPort, workerData } from 'node:worker_threads'
import { listen } from '@clew/kit/lifecycle'
import { createCounters } from '../counters.ts'
import { openReader } from './reader.ts'
import { createQueryServer } from './server.ts'

// The reading half of lens: its own thread, its own connection, its own port, so that a search
// takes nothing from the thread that takes spans in.
const { folder, port, host, memory } = workerData
const reader = openReader(folder)
const server = await listen(createQueryServer(reader, createCounters(memory)), port, host)

parentPort!.once('message', async () => {
  await server[Symbol.asyncDispose]()
  reader[Symbol.dispose]()
})
parentPort!.postMessage('listening')
