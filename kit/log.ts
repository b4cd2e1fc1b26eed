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
    serializers: { err: describeError },
  })
}

function activeTrace(): object {
  const context = trace.getActiveSpan()?.spanContext()
  if (!context || !isSpanContextValid(context)) return {}
  return { trace_id: context.traceId, span_id: context.spanId }
}

/**
 * An error for the log. Postgres and parsers quote what a person typed in their messages and details,
 * so of theirs only the kind and the place are kept.
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const { code, cause, severity } = error as Error & { code?: unknown; severity?: unknown }
  const quotes = severity !== undefined || error instanceof SyntaxError
  return {
    type: error.name,
    ...(code !== undefined && { code }),
    ...(!quotes && { message: error.message }),
    stack: error.stack?.split('\n').filter((line) => line.startsWith('    at ')),
    ...(cause instanceof Error && { cause: describeError(cause) }),
  }
}
