import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

export type Neighbour = AsyncDisposable & {
  url: string
  told: { path: string; body: unknown; traceparent: string | undefined }[]
  /** What it answers from now on. */
  status: number
}

/** Stands where profile would, and remembers what it was told. */
export async function startNeighbour(): Promise<Neighbour> {
  const server = createServer(async (request, response) => {
    const traceparent = request.headers.traceparent?.toString()
    neighbour.told.push({ path: request.url ?? '', body: await json(request), traceparent })
    response.writeHead(neighbour.status, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const neighbour: Neighbour = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told: [],
    status: 201,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return neighbour
}
