import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/**
 * The control: whatever is sent goes into a file, and nothing else is done.
 * Run as `node media-control-server.ts <port> <folder>`.
 */
const [port = '', folder = ''] = process.argv.slice(2)
let count = 0

createServer(async (request, response) => {
  await pipeline(request, createWriteStream(join(folder, String(count++))))
  response.writeHead(201).end()
}).listen(Number(port), '127.0.0.1')
