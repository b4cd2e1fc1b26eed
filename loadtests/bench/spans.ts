import { randomBytes } from 'node:crypto'

export type MadeBatch = { body: Buffer; spans: number; traces: string[] }

const services = ['gateway', 'auth', 'profile', 'feed', 'messaging']

/**
 * OTLP JSON batches of 40-span traces with 12 attributes a span, about 1 kB each.
 * `whole`: every batch carries whole traces, as the batches of one service. Otherwise each service
 * sends its own eighth of every trace, as a running platform does.
 */
export function* makeBatches(
  spans: number,
  { batch = 512, trace = 40, whole = true }: { batch?: number; trace?: number; whole?: boolean },
): Generator<MadeBatch> {
  const start = Date.now() - 60_000
  const perBatch = Math.max(1, Math.round(batch / trace))
  for (let made = 0, round = 0; made < spans; round++) {
    const group = whole ? perBatch : perBatch * services.length
    const ids = Array.from({ length: group }, () => randomBytes(16).toString('hex'))
    const traces = ids.map((id, at) => makeTrace(id, start + round * 10 + at, trace))
    if (whole) {
      yield toBatch(services[round % services.length]!, traces.flat(), ids)
    } else {
      for (const [at, service] of services.entries()) {
        const share = trace / services.length
        const own = traces.flatMap((list) => list.slice(at * share, (at + 1) * share))
        yield toBatch(service, own, ids)
      }
    }
    made += group * trace
  }
}

function makeTrace(traceId: string, startMs: number, spans: number): object[] {
  const ids = Array.from({ length: spans }, () => randomBytes(8).toString('hex'))
  return ids.map((spanId, at) => ({
    traceId,
    spanId,
    ...(at > 0 && { parentSpanId: ids[Math.floor((at - 1) / 3)] }),
    name: `${['GET', 'SELECT', 'INSERT'][at % 3]} thing_${at % 12}`,
    kind: at % 3 === 0 ? 2 : 3,
    startTimeUnixNano: `${startMs + at}000000`,
    endTimeUnixNano: `${startMs + at + 5}${String(at * 7919).padStart(6, '0')}`,
    attributes: attributesOf(at),
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    status: { code: at % 50 === 7 ? 2 : 0 },
    links: [],
    droppedLinksCount: 0,
    flags: 257,
  }))
}

function attributesOf(at: number) {
  const texts = Array.from({ length: 9 }, (_, index) => ({
    key: `attribute.name.${index}`,
    value: { stringValue: `value ${index} of ${at}` },
  }))
  const numbers = Array.from({ length: 3 }, (_, index) => ({
    key: `attribute.count.${index}`,
    value: { intValue: at * 100 + index },
  }))
  return [...texts, ...numbers]
}

function toBatch(service: string, spans: object[], traces: string[]): MadeBatch {
  const resource = {
    attributes: [
      { key: 'service.name', value: { stringValue: service } },
      { key: 'service.version', value: { stringValue: '0.1.0' } },
      { key: 'service.instance.id', value: { stringValue: 'one' } },
    ],
    droppedAttributesCount: 0,
  }
  const scopeSpans = [{ scope: { name: 'bench', version: '1' }, spans }]
  const body = Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] }))
  return { body, spans: spans.length, traces }
}
