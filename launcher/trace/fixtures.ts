import type { ResourceSpans } from './span.ts'

const kinds = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const longAgo = Date.UTC(2026, 0, 5)

export type Sketch = {
  id: string
  parent?: string
  service: string
  /** `service.instance.id`. */
  instance?: string
  kind?: keyof typeof kinds
  name: string
  /** Milliseconds since the trace began. */
  at: [start: number, end: number]
  attributes?: Record<string, string | number | boolean>
  failed?: string
  exception?: [type: string, message: string]
  links?: string[]
}

/**
 * OTLP JSON as lens and Jaeger answer it: one entry a process, ids in hex, times as text.
 * @param began when the trace began, in milliseconds since 1970
 */
export function toOtlp(sketches: Sketch[], began = longAgo): ResourceSpans[] {
  const processes = Map.groupBy(sketches, ({ service, instance }) => `${service} ${instance}`)
  return [...processes.values()].map((own) => {
    const { service, instance } = own[0]!
    const said = { 'service.name': service, ...(instance && { 'service.instance.id': instance }) }
    return {
      resource: { attributes: attributes(said) },
      scopeSpans: [{ spans: own.map((sketch) => toOtlpSpan(sketch, began)) }],
    }
  })
}

function toOtlpSpan(sketch: Sketch, began: number) {
  const [type, message] = sketch.exception ?? []
  const exception = { 'exception.type': type ?? '', 'exception.message': message ?? '' }
  return {
    traceId,
    spanId: spanId(sketch.id),
    parentSpanId: sketch.parent ? spanId(sketch.parent) : '',
    name: sketch.name,
    kind: kinds[sketch.kind ?? 'internal'],
    startTimeUnixNano: nanoseconds(began + sketch.at[0]),
    endTimeUnixNano: nanoseconds(began + sketch.at[1]),
    attributes: attributes(sketch.attributes ?? {}),
    events: type ? [{ name: 'exception', attributes: attributes(exception) }] : [],
    links: (sketch.links ?? []).map((id) => ({ traceId, spanId: spanId(id) })),
    status: sketch.failed === undefined ? {} : { code: 2, message: sketch.failed },
  }
}

function attributes(record: Record<string, string | number | boolean>) {
  return Object.entries(record).map(([key, value]) => {
    if (typeof value === 'string') return { key, value: { stringValue: value } }
    if (typeof value === 'boolean') return { key, value: { boolValue: value } }
    return { key, value: { intValue: String(value) } }
  })
}

function nanoseconds(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds * 1e3)) * 1_000n)
}

function spanId(id: string): string {
  return Buffer.from(id).toString('hex').padStart(16, '0').slice(-16)
}

const postgres = { 'db.system.name': 'postgresql' }
const redis = { 'db.system.name': 'redis' }

/** A cached profile read: five spans. */
export const profileRead: Sketch[] = [
  {
    id: 'g',
    service: 'gateway',
    kind: 'server',
    name: 'GET /api/users/{id}',
    at: [0, 3.42],
    attributes: { 'http.response.status_code': 200 },
  },
  {
    id: 'p',
    parent: 'g',
    service: 'profile',
    kind: 'server',
    name: 'GET /api/users/{id}',
    at: [0.51, 3.2],
    attributes: { 'http.response.status_code': 200 },
  },
  {
    id: 's',
    parent: 'p',
    service: 'profile',
    kind: 'client',
    name: 'GET session',
    at: [0.7, 1.1],
    attributes: { ...redis, 'cache.hit': true },
  },
  {
    id: 'c',
    parent: 'p',
    service: 'profile',
    kind: 'client',
    name: 'GET profile',
    at: [1.2, 1.58],
    attributes: { ...redis, 'cache.hit': false },
  },
  {
    id: 'd',
    parent: 'p',
    service: 'profile',
    kind: 'client',
    name: 'SELECT profiles',
    at: [1.7, 2.95],
    attributes: postgres,
  },
]

/** A registration whose event is handled after the answer. */
export const registration: Sketch[] = [
  {
    id: 'g',
    service: 'gateway',
    kind: 'server',
    name: 'POST /api/auth/register',
    at: [0, 84.2],
    attributes: { 'http.response.status_code': 201 },
  },
  {
    id: 'a',
    parent: 'g',
    service: 'auth',
    kind: 'server',
    name: 'POST /api/auth/register',
    at: [0.6, 83.9],
    attributes: { 'http.response.status_code': 201 },
  },
  {
    id: 'r',
    parent: 'a',
    service: 'auth',
    kind: 'client',
    name: 'EVALSHA ratelimit',
    at: [1.1, 1.6],
    attributes: redis,
  },
  { id: 'h', parent: 'a', service: 'auth', name: 'hash password', at: [1.8, 63.9] },
  {
    id: 'b',
    parent: 'a',
    service: 'auth',
    kind: 'client',
    name: 'BEGIN',
    at: [64.1, 64.5],
    attributes: postgres,
  },
  {
    id: 'i',
    parent: 'a',
    service: 'auth',
    kind: 'client',
    name: 'INSERT users',
    at: [64.6, 66.9],
    attributes: postgres,
  },
  {
    id: 'e',
    parent: 'a',
    service: 'auth',
    kind: 'producer',
    name: 'publish events:auth',
    at: [67, 67.4],
  },
  {
    id: 'o',
    parent: 'e',
    service: 'auth',
    kind: 'client',
    name: 'INSERT outbox',
    at: [67, 67.4],
    attributes: postgres,
  },
  {
    id: 'k',
    parent: 'a',
    service: 'auth',
    kind: 'client',
    name: 'COMMIT',
    at: [67.5, 69.8],
    attributes: postgres,
  },
  {
    id: 'x',
    parent: 'a',
    service: 'auth',
    kind: 'client',
    name: 'POST /internal/profiles',
    at: [70, 80.1],
  },
  {
    id: 'p',
    parent: 'x',
    service: 'profile',
    kind: 'server',
    name: 'POST /internal/profiles',
    at: [71.3, 79.6],
  },
  {
    id: 'q',
    parent: 'p',
    service: 'profile',
    kind: 'client',
    name: 'INSERT profiles',
    at: [71.9, 78.4],
    attributes: postgres,
  },
  {
    id: 'w',
    parent: 'p',
    service: 'profile',
    kind: 'client',
    name: 'SET profile',
    at: [78.6, 79.1],
    attributes: redis,
  },
  {
    id: 't',
    parent: 'a',
    service: 'auth',
    kind: 'client',
    name: 'SET session',
    at: [80.4, 81],
    attributes: redis,
  },
  {
    id: 'c',
    parent: 'e',
    service: 'profile',
    kind: 'consumer',
    name: 'process events:auth',
    at: [301, 320],
    links: ['e'],
  },
  {
    id: 'u',
    parent: 'c',
    service: 'profile',
    kind: 'client',
    name: 'INSERT profiles',
    at: [303, 311],
    attributes: postgres,
  },
]

/** Postgres is away: three tries, then a 503. */
export const failure: Sketch[] = [
  {
    id: 'g',
    service: 'gateway',
    kind: 'server',
    name: 'POST /api/users/{id}/follow',
    at: [0, 1_204],
    failed: '',
    attributes: { 'http.response.status_code': 503, 'error.type': '503' },
  },
  {
    id: 'p',
    parent: 'g',
    service: 'profile',
    kind: 'server',
    name: 'POST /api/users/{id}/follow',
    at: [0.8, 1_203],
    failed: '',
    attributes: { 'http.response.status_code': 503, 'error.type': '503' },
  },
  {
    id: 'c',
    parent: 'p',
    service: 'profile',
    kind: 'client',
    name: 'GET profile',
    at: [1, 1.4],
    attributes: { ...redis, 'cache.hit': true },
  },
  {
    id: 'd',
    parent: 'p',
    service: 'profile',
    kind: 'client',
    name: 'INSERT follows',
    at: [2, 1_202],
    failed: 'connect ECONNREFUSED',
    attributes: { ...postgres, 'clew.retry.count': 2 },
    exception: ['Error', 'connect ECONNREFUSED 127.0.0.1:5442'],
  },
]

/** A refresh token used twice. The gateway's times are whole milliseconds. */
export const refusal: Sketch[] = [
  {
    id: 'g',
    service: 'gateway',
    kind: 'server',
    name: 'POST /api/auth/refresh',
    at: [0, 9],
    attributes: { 'http.response.status_code': 401 },
  },
  {
    id: 'a',
    parent: 'g',
    service: 'auth',
    kind: 'server',
    name: 'POST /api/auth/refresh',
    at: [0.72, 8.31],
    attributes: { 'http.response.status_code': 401, 'clew.refusal': 'reused_refresh_token' },
  },
  {
    id: 's',
    parent: 'a',
    service: 'auth',
    kind: 'client',
    name: 'SELECT refresh_tokens',
    at: [1.21, 3.64],
    attributes: postgres,
  },
]

/** A gateway that crashed: profile's span names a parent that never arrived; auth's parents are a circle. */
export const broken: Sketch[] = [
  {
    id: 'p',
    parent: 'lost',
    service: 'profile',
    kind: 'server',
    name: 'GET /api/users/{id}',
    at: [0, 5],
  },
  {
    id: 'c',
    parent: 'p',
    service: 'profile',
    kind: 'client',
    name: 'GET profile',
    at: [1, 2],
    attributes: { 'cache.hit': true },
  },
  { id: 'x', parent: 'z', service: 'auth', name: 'first', at: [2, 4] },
  { id: 'y', parent: 'x', service: 'auth', name: 'second', at: [2.5, 3.5] },
  { id: 'z', parent: 'y', service: 'auth', name: 'third', at: [3, 3.2] },
]

/** A timeline without its cache: 500 spans, 40 authors asked for one after another, 360 posts at once. */
export function wide(): Sketch[] {
  const sketches: Sketch[] = [
    {
      id: 'g',
      service: 'gateway',
      kind: 'server',
      name: 'GET /api/timeline/{user_id}',
      at: [0, 410],
    },
    {
      id: 'f',
      parent: 'g',
      service: 'feed',
      kind: 'server',
      name: 'GET /api/timeline/{user_id}',
      at: [1, 409],
    },
  ]
  for (let i = 0; i < 40; i++) {
    const start = 5 + i * 8
    sketches.push(
      {
        id: `a${i}`,
        parent: 'f',
        service: 'feed',
        kind: 'client',
        name: 'GET /api/users/{id}',
        at: [start, start + 6 + (i % 3)],
      },
      {
        id: `b${i}`,
        parent: `a${i}`,
        service: 'profile',
        kind: 'server',
        name: 'GET /api/users/{id}',
        at: [start + 1, start + 5],
      },
      {
        id: `c${i}`,
        parent: `b${i}`,
        service: 'profile',
        kind: 'client',
        name: 'GET profile',
        at: [start + 2, start + 3],
        attributes: { ...redis, 'cache.hit': i % 4 > 0 },
      },
    )
  }
  for (let i = 0; sketches.length < 500; i++) {
    sketches.push({
      id: `d${i}`,
      parent: 'f',
      service: 'feed',
      kind: 'client',
      name: 'SELECT posts',
      at: [330 + i / 8, 350 + i / 7],
      attributes: postgres,
    })
  }
  return sketches
}

/** Five queries with time for others between them, and eight lookups too short to draw. */
export function repeated(): Sketch[] {
  const sketches: Sketch[] = [
    { id: 'g', service: 'feed', kind: 'server', name: 'GET /api/posts', at: [0, 50] },
    { id: 'm', parent: 'g', service: 'media', name: 'resize', at: [10, 20] },
  ]
  for (let i = 0; i < 5; i++) {
    const at: [number, number] = [2 + i * 9, 6 + i * 10]
    sketches.push({
      id: `p${i}`,
      parent: 'g',
      service: 'feed',
      kind: 'client',
      name: 'SELECT posts',
      at,
    })
  }
  for (let i = 0; i < 8; i++) {
    const attributes = { ...redis, 'cache.hit': i > 2 }
    const at: [number, number] = [30 + i * 2, 30.3 + i * 2]
    sketches.push({
      id: `q${i}`,
      parent: 'g',
      service: 'feed',
      kind: 'client',
      name: 'GET post',
      at,
      attributes,
    })
  }
  return sketches
}

/** Each span the child of the one before. */
export function deep(levels: number): Sketch[] {
  return Array.from(
    { length: levels },
    (_, i): Sketch => ({
      id: `l${i}`,
      ...(i > 0 && { parent: `l${i - 1}` }),
      service: i % 2 ? 'auth' : 'some-quite-long-service-name',
      name: `a step with a name that is rather long, level ${i}`,
      at: [i, levels * 2 - i],
    }),
  )
}
