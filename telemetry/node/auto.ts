import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { register } from 'import-in-the-middle/register-hooks.mjs'
import { isUntraced } from './untraced.ts'

/**
 * What most projects load: every community instrumentation, with its defaults.
 * Left out are only those that would trace our own health checks, or the process's file reads.
 */
export function registerAuto(): void {
  register()
  registerInstrumentations({
    instrumentations: getNodeAutoInstrumentations({
      '@opentelemetry/instrumentation-fs': { enabled: false },
      '@opentelemetry/instrumentation-http': {
        ignoreIncomingRequestHook: (request) => isUntraced(request.url),
      },
    }),
  })
}
