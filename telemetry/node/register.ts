// Loaded before a service by `node --import`, so that instrumentations are in place before its imports.
import { createBaggageReader } from './baggage.ts'
import { mode } from './mode.ts'
import { createRecorder } from './recorder.ts'
import { startTracing } from './tracing.ts'

if (mode === 'auto') {
  const { createStockProvider, registerAuto } = await import('./auto.ts')
  registerAuto()
  startTracing(process.env, createStockProvider)
}
if (mode === 'lean') {
  startTracing(process.env, ({ ended }, workshop) =>
    createRecorder({ ended, inherited: createBaggageReader(workshop) }),
  )
}
