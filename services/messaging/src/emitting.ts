import type { Carrier } from '@clew/telemetry/events'
import { traceEmission } from '@clew/telemetry/socket'
import type { LiveSocket } from './connections.ts'

/**
 * Sends an event to sockets of this instance, written out once for all of them. Its `_trace` is the
 * same for all, too: that of one PRODUCER span. Nobody there: nothing happens.
 */
export function emitTo(sockets: LiveSocket[], name: string, payload: object): void {
  const [any] = sockets
  if (!any) return
  const ids = sockets.map((socket) => socket.id)
  traceEmission(name, ids.length, (carrier) => {
    any.nsp.local.to(ids).emit(name, withTrace(payload, carrier))
  })
}

function withTrace(payload: object, carrier: Carrier | undefined): object {
  return carrier ? { ...payload, _trace: carrier } : payload
}
