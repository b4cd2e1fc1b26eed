import { once } from 'node:events'
import { createServer } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import { createCounters } from '../counters.ts'
import { openReader } from './reader.ts'
import { createQueryServer } from './server.ts'

// The reading half of lens: its own thread, its own connection, its own port, so that a search
// takes nothing from the thread that takes spans in. It imports nothing of the kit: loading the
// loggers and schemas of that a second time would cost a tenth of lens' memory.
const { folder, port, host, memory } = workerData
const reader = openReader(folder)
const server = createServer(createQueryServer(reader, createCounters(memory)))
server.listen(port, host)
await once(server, 'listening')

parentPort!.once('message', () => {
  // Every answer is made in one turn of the loop, so no request is half done here.
  server.close(() => reader[Symbol.dispose]())
  server.closeAllConnections()
})
parentPort!.postMessage('listening')
