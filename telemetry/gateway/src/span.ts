import type { AttributeName } from '@clew/conventions/attributes'
import { type AccessLine, seconds } from './access-line.ts'

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

/**
 * The SERVER span of one request at the gateway, as OTLP/JSON text. It is written by hand because it
 * runs for every request: objects for `JSON.stringify` cost more than twice as much.
 */
export function encodeSpan(line: AccessLine): string {
  const known = methods.has(line.method)
  const status = Number(line.status)
  const { start, end } = times(line)
  const name = `${known ? line.method : 'HTTP'}${line.route && ` ${line.route}`}`
  let span = `{"traceId":"${line.trace}","spanId":"${line.span}"`
  if (line.parent) span += `,"parentSpanId":"${line.parent}"`
  span += `,"flags":${line.parent ? remoteParent : ownRoot},"name":${JSON.stringify(name)},"kind":2`
  span += `,"startTimeUnixNano":"${nanoseconds(start)}","endTimeUnixNano":"${nanoseconds(end)}"`
  span += `,"attributes":[${encodeAttributes(line, known ? line.method : '_OTHER', status)}]`
  if (failedHere(line, status)) span += `,"events":[${encodeFault(status, end)}]`
  return status >= 500 ? `${span},"status":{"code":2}}` : `${span}}`
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

function toMilliseconds(time: string): number {
  return Number(time.replace('.', ''))
}

function nanoseconds(milliseconds: number): string {
  return `${milliseconds}000000`
}

/** NGINX lists one time per try upstream (`0.001, 0.020`), `-` for a try that did not come so far. */
function spent(tries: string): number | undefined {
  // Nearly always there was one try.
  if (seconds.test(tries)) return toMilliseconds(tries)
  const times = tries.match(/\d+\.\d{3}/g)
  return times?.reduce((sum, time) => sum + toMilliseconds(time), 0)
}

/** An answer of 5xx that no service gave: the last try upstream, if any, brought no header. */
function failedHere(line: AccessLine, status: number): boolean {
  return status >= 500 && !/\d$/.test(ofService(line.header))
}

/** Behind ` : ` NGINX writes of the one it asked for a stale page, when the service was away. */
function ofService(tries: string): string {
  return tries.split(' : ', 1)[0] ?? ''
}

function encodeFault(status: number, end: number): string {
  const [type, message] = gatewayFaults[status] ?? ['GatewayError', 'the gateway failed']
  const attributes = `${text('exception.type', type)},${text('exception.message', message)}`
  return `{"timeUnixNano":"${nanoseconds(end)}","name":"exception","attributes":[${attributes}]}`
}

function encodeAttributes(line: AccessLine, method: string, status: number): string {
  const version = line.protocol.split('/')[1]
  let all = text('http.request.method', method)
  all += `,${text('url.scheme', 'http')}`
  all += `,${int('http.response.status_code', status)}`
  all += `,${int('http.response.body.size', Number(line.bytes))}`
  if (line.route) all += `,${text('http.route', line.route)}`
  if (line.path) all += `,${text('url.path', line.path)}`
  if (line.agent) all += `,${text('user_agent.original', line.agent)}`
  if (version) all += `,${text('network.protocol.version', version)}`
  if (status >= 500) all += `,${text('error.type', line.status)}`
  if (line.cache) all += `,${text('clew.cache', line.cache)}`
  return all + encodeUpstream(line) + encodeBaggage(line.baggage)
}

/** Nothing when NGINX answered by itself: refused, limited, unknown path. */
function encodeUpstream(line: AccessLine): string {
  if (!line.response) return ''
  const connect = spent(ofService(line.connect))
  const header = spent(ofService(line.header))
  const response = spent(ofService(line.response))
  let all = `,${text('clew.gateway.upstream', line.upstream)}`
  if (connect !== undefined) all += `,${double('clew.gateway.upstream.connect_ms', connect)}`
  if (header !== undefined) all += `,${double('clew.gateway.upstream.header_ms', header)}`
  if (response !== undefined) all += `,${double('clew.gateway.upstream.response_ms', response)}`
  return all
}

function encodeBaggage(baggage: string): string {
  let all = ''
  for (const member of baggage ? baggage.split(',') : []) {
    const [key = '', value = ''] = member.split('=')
    if (baggageNames.has(key)) all += `,${text(key as AttributeName, value)}`
  }
  return all
}

function text(key: AttributeName, value: string): string {
  return `{"key":"${key}","value":{"stringValue":${JSON.stringify(value)}}}`
}

function int(key: AttributeName, value: number): string {
  return `{"key":"${key}","value":{"intValue":"${value}"}}`
}

function double(key: AttributeName, value: number): string {
  return `{"key":"${key}","value":{"doubleValue":${value}}}`
}
