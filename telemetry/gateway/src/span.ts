import type { AttributeName } from '@clew/conventions/attributes'
import type { AccessLine } from './access-line.ts'

type Value = { stringValue: string } | { intValue: string } | { doubleValue: number }
type Attribute = { key: AttributeName; value: Value }
type Event = { name: string; timeUnixNano: string; attributes: Attribute[] }

/** A span in OTLP/JSON. */
export type OtlpSpan = {
  traceId: string
  spanId: string
  parentSpanId?: string
  flags: number
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: Attribute[]
  events?: Event[]
  status?: { code: number }
}

const serverKind = 2
const errorStatus = 2
// Beside the sampled bit OTLP says whether a parent is remote: bit 8 "is known", bit 9 "is so".
const ownRoot = 0x101
const remoteParent = 0x301

const methods = new Set('GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT TRACE QUERY'.split(' '))
// NGINX lets `clew.fault` pass as well; it is written on spans in workshop mode only.
const baggageNames = new Set<string>([
  'session.id',
  'clew.run',
  'clew.scenario',
  'clew.synthetic',
] satisfies AttributeName[])

const gatewayFaults: Record<number, [type: string, message: string]> = {
  502: ['UpstreamBrokeOff', 'the service broke off before it had answered'],
  503: ['UpstreamUnreachable', 'the service could not be reached'],
  504: ['UpstreamTimeout', 'the service did not answer in time'],
}

/** The SERVER span of one request at the gateway. */
export function toSpan(line: AccessLine): OtlpSpan {
  const known = methods.has(line.method)
  const status = Number(line.status)
  const { start, end } = times(line)
  return {
    traceId: line.trace,
    spanId: line.span,
    ...(line.parent && { parentSpanId: line.parent }),
    flags: line.parent ? remoteParent : ownRoot,
    name: `${known ? line.method : 'HTTP'}${line.route && ` ${line.route}`}`,
    kind: serverKind,
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributesOf(line, known ? line.method : '_OTHER', status),
    ...(status >= 500 && { status: { code: errorStatus } }),
    ...(failedHere(line, status) && { events: [fault(status, end)] }),
  }
}

/**
 * When the request began and ended, in milliseconds since 1970.
 *
 * NGINX reads a clock that it sets after each wait for events and cuts to the millisecond; both the
 * first byte of the request and this line were stamped from it. So `end - took` is exactly the
 * millisecond in which the request began, rounded down: never later than the truth, which a child
 * span would show, and less than 1 ms earlier. The end is rounded up for the same reason, and
 * covers the tries upstream, which NGINX times with another clock that may count 1 ms more.
 */
function times(line: AccessLine): { start: number; end: number } {
  const logged = toMilliseconds(line.end)
  const start = logged - toMilliseconds(line.took)
  return { start, end: Math.max(logged, start + (spent(line.response) ?? 0)) + 1 }
}

function toMilliseconds(seconds: string): number {
  return Number(seconds.replace('.', ''))
}

function nanoseconds(milliseconds: number): string {
  return `${milliseconds}000000`
}

/** NGINX lists one time per try upstream (`0.001, 0.020`), `-` for a try that did not come so far. */
function spent(tries: string): number | undefined {
  const times = tries.match(/\d+\.\d{3}/g)
  return times?.reduce((sum, time) => sum + toMilliseconds(time), 0)
}

/** An answer of 5xx that no service gave: the last try upstream, if any, brought no header. */
function failedHere(line: AccessLine, status: number): boolean {
  return status >= 500 && !/\d$/.test(line.header)
}

function fault(status: number, end: number): Event {
  const [type, message] = gatewayFaults[status] ?? ['GatewayError', 'the gateway failed']
  return {
    name: 'exception',
    timeUnixNano: nanoseconds(end),
    attributes: [text('exception.type', type), text('exception.message', message)],
  }
}

function attributesOf(line: AccessLine, method: string, status: number): Attribute[] {
  const attributes = [
    text('http.request.method', method),
    text('url.scheme', 'http'),
    int('http.response.status_code', line.status),
    int('http.response.body.size', line.bytes),
  ]
  if (line.route) attributes.push(text('http.route', line.route))
  if (line.path) attributes.push(text('url.path', line.path))
  if (line.agent) attributes.push(text('user_agent.original', line.agent))
  const version = line.protocol.split('/')[1]
  if (version) attributes.push(text('network.protocol.version', version))
  if (status >= 500) attributes.push(text('error.type', line.status))
  return [...attributes, ...upstreamAttributes(line), ...baggageAttributes(line.baggage)]
}

/** Nothing when NGINX answered by itself: refused, limited, unknown path. */
function upstreamAttributes(line: AccessLine): Attribute[] {
  if (!line.response) return []
  const figures: [AttributeName, number | undefined][] = [
    ['clew.gateway.upstream.connect_ms', spent(line.connect)],
    ['clew.gateway.upstream.header_ms', spent(line.header)],
    ['clew.gateway.upstream.response_ms', spent(line.response)],
  ]
  return [
    text('clew.gateway.upstream', line.upstream),
    ...figures.flatMap(([key, value]) =>
      value === undefined ? [] : [{ key, value: { doubleValue: value } }],
    ),
  ]
}

function baggageAttributes(baggage: string): Attribute[] {
  if (!baggage) return []
  return baggage.split(',').flatMap((member) => {
    const [key = '', value = ''] = member.split('=')
    return baggageNames.has(key) ? [text(key as AttributeName, value)] : []
  })
}

function text(key: AttributeName, value: string): Attribute {
  return { key, value: { stringValue: value } }
}

function int(key: AttributeName, value: string): Attribute {
  return { key, value: { intValue: value } }
}
