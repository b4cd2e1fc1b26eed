import type { LiveSocket } from './connections.ts'

const details = {
  expired: 'The access token has expired. Refresh it and connect again.',
  revoked: 'The session has ended. Log in again.',
  too_slow: 'More was sent than was read. Connect again and sync.',
  behind: 'Messages could not be brought to you. Connect again and sync.',
  stopping: 'This instance stops. Connect again at once.',
}
export type Reason = keyof typeof details

const mostPackets = 256
const mostBytes = 1024 * 1024
const lingerMs = 10_000

/** Tells a client why, then disconnects it. What it has not read within 10 s is thrown away. */
export function closeSocket(socket: LiveSocket, reason: Reason): void {
  const connection = wireOf(socket)
  if (reason === 'too_slow') connection.writeBuffer = []
  socket.data.closed = reason
  socket.emit('closing', { reason, detail: details[reason] })
  socket.disconnect(true)
  if (connection.writeBuffer.length === 0 && bytesHeld(connection) === 0) return
  const { transport } = connection
  setTimeout(() => {
    connection.close(true)
    transport.socket?.terminate()
  }, lingerMs).unref()
}

/** Whether a client does not read: the network takes no more, and too much waits behind that. */
export function isSlow(socket: LiveSocket): boolean {
  const connection = wireOf(socket)
  const waiting = connection.writeBuffer.length
  if (waiting === 0) return false
  // What was written within the same turn of the event loop waits too, but is on its way.
  if (connection.transport.socket && bytesHeld(connection) === 0) return false
  return waiting > mostPackets || bytesUnsent(socket) > mostBytes
}

/** What was written to a client and the network has not taken yet, roughly. */
export function bytesUnsent(socket: LiveSocket): number {
  const connection = wireOf(socket)
  return bytesHeld(connection) + bytesWaiting(connection)
}

/** The parts of an Engine.IO connection and its transport that say how much is unsent. */
type Wire = {
  writeBuffer: { data?: string }[]
  /** Absent while polling. */
  transport: { socket?: { bufferedAmount: number; terminate(): void } }
  close(discard: boolean): void
}

function wireOf(socket: LiveSocket): Wire {
  return socket.conn as unknown as Wire
}

function bytesHeld({ transport }: Wire): number {
  return transport.socket?.bufferedAmount ?? 0
}

function bytesWaiting({ writeBuffer }: Wire): number {
  let bytes = 0
  for (const { data } of writeBuffer) bytes += data?.length ?? 0
  return bytes
}
