/** The question cannot be understood or answered; the status and message go to the client. */
export class QueryError extends Error {
  override name = 'QueryError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export type TraceQuery = {
  service: string | undefined
  operation: string | undefined
  attributes: [key: string, value: string][]
  /** Microseconds since 1970: starts of spans, from inclusive, before exclusive. */
  from: number
  before: number
  /** Microseconds a span lasted, both inclusive. */
  shortest: number
  longest: number
  limit: number
}

const defaultLimit = 100
const mostTraces = 10_000
const units: Record<string, number> = { ns: 1e-3, us: 1, µs: 1, ms: 1e3, s: 1e6, m: 6e7, h: 3.6e9 }

/**
 * Reads Jaeger's search parameters, in the spelling of its API (`query.serviceName`) or the older one
 * (`query.service_name`).
 * @throws QueryError 400 naming the parameter at fault
 */
export function readTraceQuery(parameters: URLSearchParams): TraceQuery {
  const read = <Value>(name: string, parse: (text: string) => Value, otherwise: Value): Value => {
    const [spelling, text] = find(parameters, name)
    return text ? attempt(spelling, text, parse) : otherwise
  }
  return {
    service: read('serviceName', String, undefined),
    operation: read('operationName', String, undefined),
    attributes: read('attributes', parseAttributes, []),
    from: read('startTimeMin', parseTime, 0),
    before: read('startTimeMax', parseTime, Number.MAX_SAFE_INTEGER),
    shortest: read('durationMin', parseDuration, Number.NEGATIVE_INFINITY),
    longest: read('durationMax', parseDuration, Number.POSITIVE_INFINITY),
    limit:
      Math.min(read('searchDepth', parseCount, read('numTraces', parseCount, 0)), mostTraces) ||
      defaultLimit,
  }
}

/** Jaeger searches whole traces within a window only. */
export function requireWindow(parameters: URLSearchParams): void {
  if (find(parameters, 'startTimeMin')[1] && find(parameters, 'startTimeMax')[1]) return
  throw new QueryError(400, 'query.start_time_min and query.start_time_max are required')
}

/**
 * A trace id of up to 32 hexadecimal digits; a short one is filled with zeros, as Jaeger does.
 * @throws QueryError 400
 */
export function readTraceId(text: string): Buffer {
  if (!/^[0-9a-fA-F]{1,32}$/.test(text)) {
    throw new QueryError(400, `malformed parameter trace_id: invalid trace ID: ${text}`)
  }
  return Buffer.from(text.padStart(32, '0'), 'hex')
}

function find(parameters: URLSearchParams, name: string): [spelling: string, text: string] {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  for (const spelling of [`query.${name}`, `query.${snake}`, name, snake]) {
    const text = parameters.get(spelling)
    if (text) return [spelling, text]
  }
  return [`query.${name}`, '']
}

function attempt<Value>(name: string, text: string, parse: (text: string) => Value): Value {
  try {
    return parse(text)
  } catch (error) {
    throw new QueryError(400, `malformed parameter ${name}: ${(error as Error).message}`)
  }
}

/** RFC 3339 with up to nine decimals, as microseconds. */
export function parseTime(text: string): number {
  const form = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/
  const [, seconds, decimals = '', zone] = form.exec(text) ?? []
  const millis = Date.parse(`${seconds}${zone}`)
  if (Number.isNaN(millis)) throw new Error(`cannot parse "${text}" as RFC 3339 time`)
  return millis * 1_000 + Math.floor(Number(decimals.padEnd(9, '0')) / 1_000)
}

/** A duration as Go writes it ("1.5s", "1h2m", "100ms"), as microseconds. */
export function parseDuration(text: string): number {
  if (!/^[+-]?(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/.test(text) && text !== '0') {
    throw new Error(`invalid duration "${text}"`)
  }
  let micros = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) {
    micros += Number(count) * units[unit!]!
  }
  return text.startsWith('-') ? -micros : micros
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`invalid count "${text}"`)
  return Number(text)
}

function parseAttributes(text: string): [string, string][] {
  const map: unknown = JSON.parse(text)
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new Error('it must be a JSON object of strings')
  }
  return Object.entries(map).map(([key, value]) => [key, String(value)])
}
