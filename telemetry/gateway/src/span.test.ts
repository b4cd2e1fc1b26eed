import { attributes as declared } from '@clew/conventions/attributes'
import { expect, test } from 'vitest'
import type { AccessLine } from './access-line.ts'
import { aLine } from './fixtures.ts'
import { encodeSpan } from './span.ts'

type Pairs = { key: string; value: Record<string, unknown> }[]

function spanOf(fields: Partial<AccessLine> = {}) {
  return JSON.parse(encodeSpan(aLine(fields)))
}

function attributesOf(fields: Partial<AccessLine> = {}) {
  const pairs: Pairs = spanOf(fields).attributes
  return Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]))
}

test('a request is a SERVER span named by method and route', () => {
  expect(spanOf({ parent: '00000000000000bb' })).toMatchObject({
    traceId: '0123456789abcdef0123456789abcdef',
    spanId: '00000000000000aa',
    parentSpanId: '00000000000000bb',
    name: 'GET /api/users/{id}',
    kind: 2,
  })
})

test('without a caller it is a root', () => {
  expect(spanOf()).not.toHaveProperty('parentSpanId')
})

test('what was asked, and what NGINX measured upstream, are attributes', () => {
  expect(attributesOf()).toEqual({
    'http.request.method': 'GET',
    'http.route': '/api/users/{id}',
    'http.response.status_code': '200',
    'http.response.body.size': '528',
    'network.protocol.version': '1.1',
    'url.path': '/api/users/17',
    'url.scheme': 'http',
    'user_agent.original': 'curl/7.88.1',
    'clew.gateway.upstream': 'profile',
    'clew.gateway.upstream.connect_ms': 0,
    'clew.gateway.upstream.header_ms': 5,
    'clew.gateway.upstream.response_ms': 6,
  })
})

test('every attribute is declared, with the type that it has', () => {
  const pairs: Pairs = spanOf({ status: '503', baggage: 'session.id=a,clew.run=b' }).attributes
  const types = { string: 'stringValue', int: 'intValue', double: 'doubleValue' }
  for (const { key, value } of pairs) {
    const { type } = declared[key as keyof typeof declared]
    expect([key, Object.keys(value)]).toEqual([key, [types[type as keyof typeof types]]])
  }
})

test('what a client made up does not break out of the text', () => {
  const odd = '"}],\u0000\n\\'
  expect(attributesOf({ agent: odd, path: odd })).toMatchObject({
    'url.path': odd,
    'user_agent.original': odd,
  })
  expect(spanOf({ method: odd, protocol: `x/${odd}` }).name).toBe('HTTP /api/users/{id}')
})

test('the name of an unknown path is the method alone', () => {
  const span = spanOf({ route: '', path: '/wp-login/17' })
  expect(span.name).toBe('GET')
  expect(attributesOf({ route: '' })).not.toHaveProperty('http.route')
})

test('an invented method does not become a name', () => {
  expect(spanOf({ method: 'BREW', route: '' }).name).toBe('HTTP')
  expect(attributesOf({ method: 'BREW' })['http.request.method']).toBe('_OTHER')
})

test('it begins in the millisecond that NGINX stamped and ends after the one it was logged in', () => {
  const { startTimeUnixNano, endTimeUnixNano } = spanOf()
  expect([startTimeUnixNano, endTimeUnixNano]).toEqual([
    '1795253595853000000',
    '1795253595861000000',
  ])
})

test('it covers all the time upstream, over several tries', () => {
  const { endTimeUnixNano } = spanOf({ response: '0.005, 0.010' })
  expect(endTimeUnixNano).toBe('1795253595869000000')
  expect(attributesOf({ response: '0.005, 0.010' })['clew.gateway.upstream.response_ms']).toBe(15)
})

test('what NGINX answered by itself has no upstream', () => {
  const own = { status: '413', connect: '', header: '', response: '' }
  expect(Object.keys(attributesOf(own)).join()).not.toContain('upstream')
})

test('4xx leaves the status unset', () => {
  expect(spanOf({ status: '404' })).not.toHaveProperty('status')
  expect(attributesOf({ status: '404' })).not.toHaveProperty('error.type')
})

test('a cached page says how it was answered', () => {
  expect(attributesOf({ cache: 'stale' })).toMatchObject({ 'clew.cache': 'stale' })
  expect(attributesOf()).not.toHaveProperty('clew.cache')
})

test('what is measured upstream is the service, not who gave the stale page in its place', () => {
  const tried = { connect: '- : 0.001', header: '- : 0.007', response: '0.000 : 0.007' }
  const { 'clew.gateway.upstream.connect_ms': connect, ...rest } = attributesOf(tried)
  expect(connect).toBeUndefined()
  expect(rest).not.toHaveProperty('clew.gateway.upstream.header_ms')
  expect(rest['clew.gateway.upstream.response_ms']).toBe(0)
  expect(spanOf({ ...tried, status: '503' }).events).toHaveLength(1)
})

test('5xx of a service marks the span; the service explains it', () => {
  const span = spanOf({ status: '500' })
  expect(span.status).toEqual({ code: 2 })
  expect(span).not.toHaveProperty('events')
  expect(attributesOf({ status: '500' })['error.type']).toBe('500')
})

test.each([
  ['502', '-, -', 'UpstreamBrokeOff'],
  ['503', '-', 'UpstreamUnreachable'],
  ['504', '-', 'UpstreamTimeout'],
  ['500', '', 'GatewayError'],
])('%s of its own is explained by an exception', (status, header, type) => {
  const [event] = spanOf({ status, header }).events ?? []
  expect(event?.name).toBe('exception')
  expect(event?.attributes[0]?.value).toEqual({ stringValue: type })
})

test('baggage becomes attributes, the fault does not', () => {
  const baggage = 'session.id=s1,clew.run=r1,clew.scenario=c1,clew.synthetic=k6,clew.fault=slow'
  expect(attributesOf({ baggage })).toMatchObject({
    'session.id': 's1',
    'clew.run': 'r1',
    'clew.scenario': 'c1',
    'clew.synthetic': 'k6',
  })
  expect(attributesOf({ baggage })).not.toHaveProperty(['clew.fault'])
})
