import { connect, createServer, type Socket } from 'node:net'

export type CuttableLink = AsyncDisposable & {
  port: number
  /** Ends every connection and refuses new ones, as if the other side had gone. */
  cut(): void
  /** Keeps connections open but passes nothing on, as a machine that hangs. */
  stall(): void
  mend(): void
}

/** A TCP port on loopback that leads to another, so that a test can take a database away and back. */
export async function openLink(target: number): Promise<CuttableLink> {
  const sockets = new Set<Socket>()
  let state: 'up' | 'cut' | 'stalled' = 'up'
  const server = createServer((near) => {
    if (state === 'cut') return near.destroy()
    const far = connect(target, '127.0.0.1')
    join(near, far)
    join(far, near)
  })

  function join(from: Socket, to: Socket) {
    sockets.add(from)
    if (state !== 'stalled') from.pipe(to)
    from.on('error', () => {})
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }
  function cut() {
    state = 'cut'
    for (const socket of sockets) socket.destroy()
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const { port } = server.address() as { port: number }
  return {
    port,
    cut,
    stall() {
      state = 'stalled'
      for (const socket of sockets) socket.unpipe().pause()
    },
    mend() {
      // What was held back is lost with its connection.
      cut()
      state = 'up'
    },
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
