import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'

const tracer = trace.getTracer('x')
const N = 200000
async function m(name: string, f: (i: number) => unknown, isAsync = false) {
  for (let r = 0; r < 3; r++) {
    const c = process.cpuUsage()
    for (let i = 0; i < N; i++) {
      const x = f(i)
      if (isAsync) await x
    }
    const d = process.cpuUsage(c)
    if (r === 2) console.log(name, ((d.user + d.system) / N).toFixed(2), 'us')
    await new Promise((r) => setTimeout(r, 100))
  }
}
const headers = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  host: 'x',
}
await m('extract', () => propagation.extract(ROOT_CONTEXT, headers))
const attrs = {
  'db.system.name': 'redis',
  'db.operation.name': 'GET',
  'db.query.summary': 'GET profile',
  'server.address': '127.0.0.1',
  'server.port': 6379,
}
await m('start', () =>
  tracer.startSpan('GET', { kind: SpanKind.SERVER, attributes: attrs }, ROOT_CONTEXT),
)
await m('start+end', () =>
  tracer.startSpan('GET', { kind: SpanKind.SERVER, attributes: attrs }, ROOT_CONTEXT).end(),
)
await m('with', () => context.with(ROOT_CONTEXT, () => 1))
const sp = tracer.startSpan('p')
await m('setSpan', () => trace.setSpan(ROOT_CONTEXT, sp))
await m('active', () => context.active())
await m('spanContext+fmt', () => {
  const { traceId, spanId, traceFlags } = sp.spanContext()
  return `00-${traceId}-${spanId}-0${traceFlags}`
})
process.exit()
