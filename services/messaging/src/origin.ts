import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

type Allow = (error: string | null, allowed: boolean) => void

/**
 * Lets pages of one site connect, and whatever is no page: a phone sends no `Origin`. Without this,
 * a page elsewhere could open a socket from the browser of somebody who visits it.
 */
export function createOriginCheck(allowedOrigin: string) {
  return (request: IncomingMessage, allow: Allow): void => {
    const { origin, upgrade } = request.headers
    if (origin === undefined || origin === allowedOrigin) allow(null, true)
    else if (upgrade) refuse(request.socket)
    else allow('This site may not connect.', false)
  }
}

/** Engine.IO would answer an upgrade with 400, as if it were malformed. */
function refuse(socket: Duplex): void {
  socket.on('error', () => {})
  // A client that does not close its side would keep the connection.
  socket.once('finish', () => socket.destroy())
  socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
}
