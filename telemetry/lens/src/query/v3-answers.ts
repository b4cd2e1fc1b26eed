import { QueryError, readTraceId, readTraceQuery, requireWindow } from './parameters.ts'
import type { Reader } from './reader.ts'
import { searchTraces } from './search.ts'
import type { Answers } from './server.ts'
import { joinTexts } from './texts.ts'

/** Jaeger's `/api/v3`. Traces are OTLP JSON, joined from the stored texts without parsing them. */
export function v3Answers(reader: Reader): Answers {
  return {
    '/api/v3/services': () => JSON.stringify({ services: reader.services() }),

    '/api/v3/operations'(parameters) {
      const service = parameters.get('service')
      if (!service) throw new QueryError(400, 'malformed parameter service: it is required')
      const kind = (parameters.get('spanKind') ?? parameters.get('span_kind'))?.toLowerCase()
      const operations = reader.operations(service)
      return JSON.stringify({
        operations: kind ? operations.filter(({ spanKind }) => spanKind === kind) : operations,
      })
    },

    '/api/v3/traces/{id}'(_, id) {
      const no = reader.traceNo(readTraceId(id))
      return result(no === undefined ? [] : [no])
    },

    '/api/v3/traces'(parameters) {
      requireWindow(parameters)
      return result(searchTraces(reader, readTraceQuery(parameters)))
    },

    // Unlike Jaeger, lens also answers without a service or a window: everything, newest first.
    '/api/v3/trace-summaries'(parameters) {
      const found = searchTraces(reader, readTraceQuery(parameters))
      const summaries = found.map(reader.summary).filter((text) => text !== undefined)
      return `{"summaries":[${summaries.join(',')}]}`
    },
  }

  function result(traces: number[]): Buffer {
    const texts = traces.flatMap(reader.texts)
    if (texts.length === 0) throw new QueryError(404, 'No traces found')
    return joinTexts('{"result":{"resourceSpans":[', texts, ']}}')
  }
}
