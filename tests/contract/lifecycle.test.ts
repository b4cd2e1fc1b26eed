import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { ask } from '../answer.ts'
import { freePort, launch, startInstance } from './instance.ts'
import { type Prepared, requiredVariables, services } from './services.ts'

const running: AsyncDisposable[] = []
const own = <Thing extends AsyncDisposable>(thing: Thing): Thing => {
  running.push(thing)
  return thing
}
afterEach(async () => {
  for (const thing of running.splice(0)) await thing[Symbol.asyncDispose]()
})

describe.each(services)('$name', (service) => {
  const { name, takes, guarded } = service

  it('finishes what it has begun when it is asked to end, and ends', async () => {
    const prepared = await takes.prepare()
    const instance = own(await startInstance(service))
    const { message, send } = beginRequest(instance.url + takes.path, prepared)
    await sleep(300)
    instance.kill('SIGTERM')
    await sleep(500)
    // Nobody new is let in, whoever is in is served.
    await expect(ask(`${instance.url}/livez`)).rejects.toThrow()
    send()
    const response = await message
    expect(response.statusCode).toBeLessThan(300)
    await text(response)
    expect(await instance.ended).toBe(0)
  })

  it('names every variable that is missing when it starts without any', async () => {
    const started = own(launch(name, { CLEW_TELEMETRY: 'off' }))
    expect(await started.ended).toBe(1)
    const missing = requiredVariables(service)
    expect(missing.length).toBeGreaterThan(1)
    for (const variable of missing) expect(started.output()).toContain(variable)
  })

  it('starts and serves with nobody to send its spans to, and ends in time', async () => {
    const nobody = `127.0.0.1:${await freePort()}`
    const instance = own(
      await startInstance(service, {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${nobody}`,
        CLEW_STATSD: nobody,
      }),
    )
    // Nothing that others would go on with in a trace whose beginning nobody has.
    const answer = await ask(instance.url + guarded.path, { method: guarded.method })
    expect(answer.status).toBe(401)
    expect(answer.traceId).toMatch(/^[0-9a-f]{32}$/)
    const asked = performance.now()
    instance.kill('SIGTERM')
    expect(await instance.ended).toBe(0)
    expect(performance.now() - asked).toBeLessThan(10_000)
  })
})

/** A request whose body is kept back until `send`. */
function beginRequest(
  url: string,
  { body, headers }: Prepared,
): { message: Promise<IncomingMessage>; send: () => ClientRequest } {
  const text = JSON.stringify(body)
  const sent = request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...headers,
    },
  })
  sent.write(text.slice(0, 5))
  const message = once(sent, 'response').then(([response]) => response as IncomingMessage)
  return { message, send: () => sent.end(text.slice(5)) }
}
