import type { Carrier } from '@clew/telemetry/events'
import { traceEmission } from '@clew/telemetry/socket'
import type { LiveSocket } from './connections.ts'
import { frameOf } from './frame.ts'

const event = 2

/**
 * Sends an event to sockets of this instance, written out once for all of them. Its `_trace` is the
 * same for all, too: that of one PRODUCER span. Nobody there: nothing happens.
 */
export function emitTo(sockets: LiveSocket[], name: string, payload: object): void {
  if (sockets.length === 0) return
  traceEmission(name, sockets.length, (carrier) => {
    // As a room of Socket.IO does it, without looking everybody up by id again.
    const message = event + JSON.stringify([name, withTrace(payload, carrier)])
    const options = { compress: false, wsPreEncodedFrame: [frameOf(message)] }
    for (const { conn } of sockets) conn.write(message, options)
  })
}

function withTrace(payload: object, carrier: Carrier | undefined): object {
  return carrier ? { ...payload, _trace: carrier } : payload
}
