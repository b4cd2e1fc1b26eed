import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { createBaggageProcessor } from './baggage.ts'
import { createExportProcessor } from './export.ts'
import { reportSpans } from './span-report.ts'

const shutdownMs = 2_500

/**
 * Installs the SDK: W3C trace context and baggage in and out, every span kept, batches sent as
 * OTLP/HTTP JSON to `OTEL_EXPORTER_OTLP_ENDPOINT`. What is left is sent when the process runs out of
 * work, in at most 2.5 s even when nobody answers.
 */
export function startTracing(env: NodeJS.ProcessEnv): void {
  const exporting = createExportProcessor(
    env.OTEL_EXPORTER_OTLP_ENDPOINT || 'http://127.0.0.1:4318',
  )
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': env.OTEL_SERVICE_NAME || 'unknown_service',
      'service.version': env.npm_package_version || '0.1.0',
      'service.instance.id': randomUUID(),
      'deployment.environment.name': env.CLEW_ENVIRONMENT || 'development',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.version': '3.0.0',
    }),
    spanProcessors: [createBaggageProcessor(env.CLEW_WORKSHOP === 'true'), exporting.processor],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(
    new CompositePropagator({
      propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
    }),
  )
  trace.setGlobalTracerProvider(provider)
  const stopReporting = reportSpans(exporting.counts)

  process.once('beforeExit', async () => {
    const late = sleep(shutdownMs, 'late', { ref: true })
    const outcome = await Promise.race([provider.shutdown().catch(() => 'failed'), late])
    exporting.abandon()
    await stopReporting()
    // The exporter's own retries would hold the process for ten seconds more.
    if (outcome === 'late') process.exit()
  })
}
