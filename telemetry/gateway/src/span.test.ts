import { attributes as declared } from '@clew/conventions/attributes'
import { expect, test } from 'vitest'
import { aLine } from './fixtures.ts'
import { toSpan } from './span.ts'

function attributesOf(fields: Parameters<typeof aLine>[0] = {}) {
  const pairs = toSpan(aLine(fields)).attributes.map(({ key, value }) => [
    key,
    Object.values(value)[0],
  ])
  return Object.fromEntries(pairs)
}

test('a request is a SERVER span named by method and route', () => {
  expect(toSpan(aLine({ parent: '00000000000000bb' }))).toMatchObject({
    traceId: '0123456789abcdef0123456789abcdef',
    spanId: '00000000000000aa',
    parentSpanId: '00000000000000bb',
    name: 'GET /api/users/{id}',
    kind: 2,
  })
})

test('without a caller it is a root', () => {
  expect(toSpan(aLine())).not.toHaveProperty('parentSpanId')
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

test('every attribute is declared', () => {
  const names = Object.keys(attributesOf({ status: '503', baggage: 'session.id=a,clew.run=b' }))
  for (const name of names) expect(declared).toHaveProperty([name])
})

test('the name of an unknown path is the method alone', () => {
  const span = toSpan(aLine({ route: '', path: '/wp-login/17' }))
  expect(span.name).toBe('GET')
  expect(attributesOf({ route: '' })).not.toHaveProperty('http.route')
})

test('an invented method does not become a name', () => {
  expect(toSpan(aLine({ method: 'BREW', route: '' })).name).toBe('HTTP')
  expect(attributesOf({ method: 'BREW' })['http.request.method']).toBe('_OTHER')
})

test('it begins in the millisecond that NGINX stamped and ends after the one it was logged in', () => {
  const { startTimeUnixNano, endTimeUnixNano } = toSpan(aLine())
  expect([startTimeUnixNano, endTimeUnixNano]).toEqual([
    '1795253595853000000',
    '1795253595861000000',
  ])
})

test('it covers all the time upstream, over several tries', () => {
  const { endTimeUnixNano } = toSpan(aLine({ response: '0.005, 0.010' }))
  expect(endTimeUnixNano).toBe('1795253595869000000')
  expect(attributesOf({ response: '0.005, 0.010' })['clew.gateway.upstream.response_ms']).toBe(15)
})

test('what NGINX answered by itself has no upstream', () => {
  const own = { status: '413', connect: '', header: '', response: '' }
  expect(Object.keys(attributesOf(own)).join()).not.toContain('upstream')
})

test('4xx leaves the status unset', () => {
  expect(toSpan(aLine({ status: '404' }))).not.toHaveProperty('status')
  expect(attributesOf({ status: '404' })).not.toHaveProperty('error.type')
})

test('5xx of a service marks the span; the service explains it', () => {
  const span = toSpan(aLine({ status: '500' }))
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
  const [event] = toSpan(aLine({ status, header })).events ?? []
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
