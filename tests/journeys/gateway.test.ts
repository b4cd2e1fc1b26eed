import { randomBytes } from 'node:crypto'
import { createClient } from 'redis'
import { describe, expect, it } from 'vitest'
import { journey } from '../journey.ts'
import { readTrace } from '../lens.ts'
import { note } from '../notes.ts'
import { newcomer, resident } from '../person.ts'
import { readPlatform } from '../platform.ts'

const traceId = () => randomBytes(16).toString('hex')
const spanId = () => randomBytes(8).toString('hex')

const keysRead = `
  gateway SERVER GET /.well-known/jwks.json  http.response.status_code=200
    auth SERVER GET /.well-known/jwks.json
`
const readKeys = (headers: Record<string, string>) =>
  newcomer().get('/.well-known/jwks.json', headers)

describe('the gateway', () => {
  it('names nothing that is not there', async () => {
    const { answer, trace } = await journey('a path of nobody', () =>
      newcomer().get('/api/nowhere/42?q=private-words'),
    )
    expect(answer.status).toBe(404)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body).toMatchObject({ status: 404, title: 'Not Found', trace_id: trace.id })
    await trace.toBe('gateway SERVER GET  http.response.status_code=404 !http.route')
  })

  it('goes on with the trace of its caller', async () => {
    const [caller, parent] = [traceId(), spanId()]
    note({ outside: parent })
    const { trace } = await journey('a caller with a trace', () =>
      readKeys({ traceparent: `00-${caller}-${parent}-01`, tracestate: 'other=1' }),
    )
    expect(trace.id).toBe(caller)
    await trace.toBe(keysRead)
    const spans = await trace.spans()
    expect(spans.find(({ service }) => service === 'gateway')?.parentId).toBe(parent)
  })

  it('begins a trace of its own when the one it is given is none', async () => {
    const id = traceId()
    const broken = [
      `00-${'0'.repeat(32)}-${spanId()}-01`,
      `00-${id}-${'0'.repeat(16)}-01`,
      `00-${id.toUpperCase()}-${spanId()}-01`,
      `ff-${id}-${spanId()}-01`,
      `00-${id}-${spanId()}`,
      'rubbish',
    ]
    for (const traceparent of broken) {
      const { answer, trace } = await journey(traceparent, () => readKeys({ traceparent }))
      expect(answer.status).toBe(200)
      expect(trace.id).toMatch(/^[0-9a-f]{32}$/)
      expect(trace.id).not.toBe(id)
      await trace.toBe(keysRead)
    }
  })

  it('leaves no trace of a request whose caller decided so', async () => {
    const answer = await readKeys({ traceparent: `00-${traceId()}-${spanId()}-00` })
    expect(answer.status).toBe(200)
    expect(String(answer.headers.traceresponse)).toMatch(/-00$/)
    const { trace } = await journey('a later one', () => readKeys({}))
    await trace.toBe(keysRead)
    expect(await readTrace(answer.traceId)).toEqual([])
  })

  it('hands on baggage that is allowed, to every span, and drops the rest', async () => {
    const person = newcomer()
    const session = `phone-${randomBytes(4).toString('hex')}`
    const baggage = [
      `session.id=${session}`,
      'clew.run=baggage-run',
      'clew.scenario=a-scenario',
      'clew.synthetic=true',
      'clew.fault=slow-everything',
      'user.email=someone%40mail.example',
      'clew.runs=not-this',
    ].join(',')
    note({ secret: 'not-this' }, { secret: 'someone%40mail.example' })
    const { answer, trace } = await journey('a newcomer with baggage', () =>
      person.post(
        '/api/auth/register',
        { email: person.email, username: person.username, password: person.password },
        { baggage },
      ),
    )
    expect(answer.status).toBe(201)
    const spans = await trace.spans()
    expect(spans.length).toBeGreaterThan(12)
    for (const { attributes } of spans) {
      expect(attributes).toMatchObject({
        'session.id': { value: session },
        'clew.run': { value: 'baggage-run' },
        'clew.scenario': { value: 'a-scenario' },
        'clew.synthetic': { value: 'true' },
      })
      expect(Object.keys(attributes)).not.toContain('user.email')
    }
    // Faults are for workshops only.
    const services = spans.filter(({ service }) => service !== 'gateway')
    expect(services.flatMap(({ attributes }) => Object.keys(attributes))).not.toContain(
      'clew.fault',
    )
    const carried = await baggageOfEvent(trace.id)
    expect(carried).toContain(`session.id=${session}`)
    expect(carried).not.toMatch(/email|not-this/)
  })

  it('serves a request with 20 KB of baggage, and takes none of it', async () => {
    const baggage = `clew.run=too-long,${'x'.repeat(20_000)}=1`
    const { answer, trace } = await journey('much baggage', () => readKeys({ baggage }))
    expect(answer.status).toBe(200)
    await trace.toBe(`
      gateway SERVER GET /.well-known/jwks.json  !clew.run
        auth SERVER GET /.well-known/jwks.json  !clew.run
    `)
  })

  it('refuses a body over its limit', async () => {
    const person = await resident()
    const { answer, trace } = await journey('a body of 2 MB', () =>
      person.post(`/api/users/${person.id}/profile`, 'x'.repeat(2_000_000)),
    )
    expect(answer.status).toBe(413)
    expect(answer.body).toMatchObject({ status: 413, trace_id: trace.id })
    await trace.toBe('gateway SERVER POST /api/users/{id}/profile  http.response.status_code=413')
  })

  it('sums up the health of all, without a trace', async () => {
    const answer = await newcomer().get('/health')
    expect(answer.status).toBe(200)
    expect(JSON.stringify(answer.body)).toMatch(/auth.*profile/)
    expect(await readTrace(answer.traceId)).toEqual([])
  })
})

/** The baggage that the newest event of this trace carries in its stream. */
async function baggageOfEvent(id: string): Promise<string> {
  const client = createClient({ url: readPlatform().urls.redis })
  await client.connect()
  try {
    const entries = await client.xRevRange('events:auth', '+', '-', { COUNT: 100 })
    const found = entries?.find(({ message }) => message.traceparent?.includes(id))
    return found?.message.baggage ?? ''
  } finally {
    client.destroy()
  }
}
