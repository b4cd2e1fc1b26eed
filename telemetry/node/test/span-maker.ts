// A process that ends spans at an even rate: `span-maker.ts <spans> <per second> <then>`.
// `then` is `end`, which lets the process run out of work, or `stay`, which waits for SIGTERM.
import { trace } from '@opentelemetry/api'

const [spans = 0, perSecond = 1] = process.argv.slice(2, 4).map(Number)
const tracer = trace.getTracer('span-maker')
const tickMs = 10
const perTick = Math.ceil((perSecond * tickMs) / 1_000)
const attributes = { 'db.system.name': 'redis', 'db.operation.name': 'GET', 'cache.hit': true }
const rss = () => Math.round(process.memoryUsage().rss / 1_048_576)

for (let warm = 0; warm < 2_000; warm++) tracer.startSpan('warm', { root: true }).isRecording()
const before = rss()
let made = 0
let most = before
const timer = setInterval(() => {
  for (let more = 0; more < perTick && made < spans; more++, made++) {
    tracer.startSpan('GET session', { attributes }).end()
  }
  most = Math.max(most, rss())
  if (made < spans) return
  clearInterval(timer)
  process.send?.({ made, before, most })
  if (process.argv[4] !== 'stay') return
  const held = setInterval(() => {}, 1_000)
  process.once('SIGTERM', () => clearInterval(held))
}, tickMs)
