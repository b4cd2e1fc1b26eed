import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ask } from '../answer.ts'
import { readTrace } from '../lens.ts'
import { communityEnvironment, note } from '../notes.ts'
import type { TraceSpan } from '../trace.ts'
import { startInstance } from './instance.ts'
import { services } from './services.ts'

describe.each(services)('$name', (service) => {
  const { guarded } = service

  it('in mode auto leaves a trace by the community, with one SERVER span of the same name', async () => {
    await using instance = await startInstance(service, {
      CLEW_TELEMETRY: 'auto',
      CLEW_ENVIRONMENT: communityEnvironment,
    })
    const { traceId, traceparent } = caller()
    const answer = await ask(instance.url + guarded.path, {
      method: guarded.method,
      headers: { traceparent },
    })
    expect(answer.status).toBe(401)
    expect(answer.traceId).toBe(traceId)
    const spans = await untilStored(traceId)
    const servers = spans.filter(({ kind }) => kind === 'SERVER')
    expect(servers.map(({ name }) => name)).toEqual([`${guarded.method} ${guarded.route}`])
    expect(servers[0]?.attributes['http.route']?.value).toBe(guarded.route)
  })

  it('in mode off answers the same and leaves nothing', async () => {
    await using instance = await startInstance(service, { CLEW_TELEMETRY: 'off' })
    const { traceId, traceparent } = caller()
    const answer = await ask(instance.url + guarded.path, {
      method: guarded.method,
      headers: { traceparent },
    })
    expect(answer.status).toBe(401)
    expect(answer.headers.traceresponse).toBeUndefined()
    expect(answer.traceId).toBe('')
    await sleep(1_500)
    expect(await readTrace(traceId)).toEqual([])
  })
})

function caller() {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  note({ outside: spanId })
  return { traceId, traceparent: `00-${traceId}-${spanId}-01` }
}

async function untilStored(traceId: string): Promise<TraceSpan[]> {
  for (let tries = 0; tries < 50; tries++) {
    const spans = await readTrace(traceId)
    if (spans.length > 0) return spans
    await sleep(200)
  }
  return []
}
