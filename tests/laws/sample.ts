import type { SpanKind, TraceSpan, Typed, TypedAttributes, Value } from '../trace.ts'
import type { Run } from './law.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const eventTraceId = 'c0ffee3577b34da6a3ce929d0e0e4736'
const began = 1_763_716_800_000_000_000n

type Sketch = {
  id: string
  parent?: string
  service: string
  kind: SpanKind
  name: string
  /** Milliseconds since the trace began. */
  at: [start: number, end: number]
  attributes?: Record<string, Value>
}

/** A registration as it is stored, small: gateway, auth, its database, profile, and the event. */
export function goodTrace(): TraceSpan[] {
  const http = { 'http.request.method': 'POST', 'http.response.status_code': 201 }
  const statement = { 'db.system.name': 'postgresql', 'server.address': '127.0.0.1' }
  const sketches: Sketch[] = [
    {
      id: 'gateway',
      service: 'gateway',
      kind: 'SERVER',
      name: 'POST /api/auth/register',
      at: [0, 90],
      attributes: { ...http, 'clew.gateway.upstream.connect_ms': 0.5 },
    },
    {
      id: 'auth',
      parent: 'gateway',
      service: 'auth',
      kind: 'SERVER',
      name: 'POST /api/auth/register',
      at: [1, 89],
      attributes: { ...http, 'user.id': '0190a0b0-0000-7000-8000-00000000abcd' },
    },
    {
      id: 'insert',
      parent: 'auth',
      service: 'auth',
      kind: 'CLIENT',
      name: 'INSERT users',
      at: [62, 64],
      attributes: {
        ...statement,
        'db.query.text': 'insert into users (id, password) values ($1, $2::text)',
      },
    },
    {
      id: 'publish',
      parent: 'auth',
      service: 'auth',
      kind: 'PRODUCER',
      name: 'publish events:auth',
      at: [64, 66],
    },
    {
      id: 'call',
      parent: 'auth',
      service: 'auth',
      kind: 'CLIENT',
      name: 'POST /internal/profiles',
      at: [67, 80],
      attributes: { 'url.full': 'http://127.0.0.1:3002/internal/profiles' },
    },
    {
      id: 'profile',
      parent: 'call',
      service: 'profile',
      kind: 'SERVER',
      name: 'POST /internal/profiles',
      at: [68, 79],
      attributes: http,
    },
    {
      id: 'process',
      parent: 'publish',
      service: 'profile',
      kind: 'CONSUMER',
      name: 'process events:auth',
      at: [92, 95],
    },
  ]
  return sketches.map((sketch) => toSpan(sketch, traceId))
}

/** The same event, handled in a trace of its own that links back. */
export function eventTrace(): TraceSpan[] {
  const sketch: Sketch = {
    id: 'linked',
    service: 'feed',
    kind: 'CONSUMER',
    name: 'process events:auth',
    at: [93, 99],
  }
  return [{ ...toSpan(sketch, eventTraceId), links: [{ traceId, spanId: spanId('publish') }] }]
}

/** A message from phone to phone, small. */
export function liveTrace(): TraceSpan[] {
  const attributes = { 'messaging.system': 'socket.io' }
  const sketches: Sketch[] = [
    { id: 'said', service: 'phone', kind: 'CLIENT', name: 'message:send', at: [0, 9] },
    {
      id: 'live',
      parent: 'said',
      service: 'messaging',
      kind: 'SERVER',
      name: 'message:send',
      at: [1, 8],
      attributes,
    },
    {
      id: 'emit',
      parent: 'live',
      service: 'messaging',
      kind: 'PRODUCER',
      name: 'publish message:new',
      at: [6, 7],
      attributes,
    },
    {
      id: 'heard',
      parent: 'emit',
      service: 'phone',
      kind: 'CONSUMER',
      name: 'process message:new',
      at: [9, 9],
    },
  ]
  return sketches.map((sketch) => toSpan(sketch, traceId))
}

/** A run that stored these traces and knows of nothing outside. */
export function runOf(traces: TraceSpan[][], more: Partial<Run> = {}): Run {
  const spans = new Map(traces.flat().map((span) => [span.traceId + span.id, span]))
  return {
    find: (trace, span) => spans.get(trace + span),
    outside: new Set(),
    secrets: [],
    ...more,
  }
}

/** The span of a sketch, to be broken. */
export function pick(trace: TraceSpan[], id: string): TraceSpan {
  const found = trace.find((span) => span.id === spanId(id))
  if (!found) throw new Error(`no span ${id}`)
  return found
}

export function spanId(id: string): string {
  return Buffer.from(id).toString('hex').padStart(16, '0').slice(-16)
}

export function typed(record: Record<string, Value>): TypedAttributes {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, typeOf(value)]))
}

function typeOf(value: Value): Typed {
  if (typeof value === 'number') return { type: Number.isInteger(value) ? 'int' : 'double', value }
  if (typeof value === 'boolean') return { type: 'boolean', value }
  return { type: 'string', value }
}

function toSpan(sketch: Sketch, traceId: string): TraceSpan {
  return {
    traceId,
    id: spanId(sketch.id),
    parentId: sketch.parent ? spanId(sketch.parent) : '',
    service: sketch.service,
    name: sketch.name,
    kind: sketch.kind,
    start: began + BigInt(Math.round(sketch.at[0] * 1e6)),
    end: began + BigInt(Math.round(sketch.at[1] * 1e6)),
    status: 'unset',
    attributes: typed(sketch.attributes ?? {}),
    resource: typed({ 'service.name': sketch.service }),
    events: [],
    links: [],
  }
}
