import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, propagation, type TracerProvider, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import { createExport, type Export } from './export.ts'
import { reportSpans } from './span-report.ts'

const shutdownMs = 2_500

/**
 * Installs tracing: W3C trace context and baggage in and out, every span kept, batches sent as
 * OTLP/HTTP JSON to `OTEL_EXPORTER_OTLP_ENDPOINT`. What is left is sent when the process runs out of
 * work, in at most 2.5 s even when nobody answers.
 */
export function startTracing(
  env: NodeJS.ProcessEnv,
  createProvider: (exporting: Export, workshop: boolean) => TracerProvider,
): void {
  const service = env.OTEL_SERVICE_NAME || 'unknown_service'
  const exporting = createExport(env.OTEL_EXPORTER_OTLP_ENDPOINT || 'http://127.0.0.1:4318', {
    'service.name': service,
    'service.version': env.npm_package_version || '0.1.0',
    // Of a service that runs more than once, which: a reader has to tell them apart.
    'service.instance.id': env.CLEW_INSTANCE ? `${service}-${env.CLEW_INSTANCE}` : randomUUID(),
    'deployment.environment.name': env.CLEW_ENVIRONMENT || 'development',
    'telemetry.sdk.language': 'nodejs',
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(
    new CompositePropagator({
      propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
    }),
  )
  trace.setGlobalTracerProvider(createProvider(exporting, env.CLEW_WORKSHOP === 'true'))
  const stopReporting = reportSpans(exporting.counts)

  process.once('beforeExit', async () => {
    const { counts } = exporting
    const inTime = new AbortController()
    const late = sleep(shutdownMs, 'late', { signal: inTime.signal }).catch(() => 'in time')
    const outcome = await Promise.race([exporting.close().catch(() => 'failed'), late])
    // A timer that is left would hold the process for as long as it runs.
    inTime.abort()
    exporting.abandon()
    if (outcome === 'late') counts.dropped = counts.ended - counts.exported
    await stopReporting()
    // The exporter's own retries would hold the process for ten seconds more.
    if (outcome === 'late') process.exit()
  })
}
