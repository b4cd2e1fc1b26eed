import { isSpanContextValid, trace } from '@opentelemetry/api'
import { type Logger, pino } from 'pino'

export type { Logger }

const secrets = ['password', 'token', 'refresh_token', 'authorization', 'cookie', 'email', 'secret']

/**
 * JSON lines on stdout. Each line written inside a span carries its `trace_id` and `span_id`.
 * Levels: `info` is an event, `warn` trouble that was survived, `error` a request that was lost.
 */
export function createLogger(name: string): Logger {
  return pino({
    base: { service: name },
    level: process.env.CLEW_LOG_LEVEL || 'info',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secrets.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
    mixin: activeTrace,
  })
}

function activeTrace(): object {
  const context = trace.getActiveSpan()?.spanContext()
  if (!context || !isSpanContextValid(context)) return {}
  return { trace_id: context.traceId, span_id: context.spanId }
}
