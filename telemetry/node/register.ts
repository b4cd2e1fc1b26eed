// Loaded before a service by `node --import`, so that instrumentations are in place before its imports.
import { mode } from './mode.ts'

if (mode === 'auto') {
  const { registerAuto } = await import('./auto.ts')
  registerAuto()
}
if (mode !== 'off') {
  const { startTracing } = await import('./tracing.ts')
  startTracing(process.env)
}
