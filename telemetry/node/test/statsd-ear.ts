import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export type StatsDEar = AsyncDisposable & {
  address: string
  /** The sum of a counter over all that was heard, for lines that hold this tag. */
  sum(name: string, tag: string): number
}

/** Hears StatsD over UDP. */
export async function openStatsDEar(): Promise<StatsDEar> {
  const lines: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message) => lines.push(...message.toString().split('\n')))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    sum(name, tag) {
      const heard = lines.filter((line) => line.startsWith(`${name}:`) && line.includes(tag))
      return heard.reduce((sum, line) => sum + Number(line.split(/[:|]/)[1]), 0)
    },
    async [Symbol.asyncDispose]() {
      socket.close()
    },
  }
}
