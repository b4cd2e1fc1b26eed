import { toLegacyTrace } from './legacy.ts'
import { QueryError, readTraceId } from './parameters.ts'
import type { Reader } from './reader.ts'
import type { Answers } from './server.ts'
import { parseTexts } from './texts.ts'

const minute = 60_000
const day = 86_400_000

/** The two calls of Jaeger's older API that its own pages still make. */
export function legacyAnswers(reader: Reader): Answers {
  return {
    '/api/traces/{id}'(_, id) {
      const traceId = readTraceId(id)
      const no = reader.traceNo(traceId)
      const texts = no === undefined ? [] : reader.texts(no)
      if (texts.length === 0) throw new QueryError(404, 'trace not found')
      return structured([toLegacyTrace(traceId.toString('hex'), parseTexts(texts))])
    },

    '/api/dependencies'(parameters) {
      const end = readMillis(parameters, 'endTs', Date.now())
      const lookback = readMillis(parameters, 'lookback', day)
      const from = Math.floor((end - lookback) / minute)
      return structured(reader.dependencies(from, Math.floor(end / minute)))
    },
  }
}

function structured(data: unknown): string {
  return JSON.stringify({ data, total: 0, limit: 0, offset: 0, errors: null })
}

function readMillis(parameters: URLSearchParams, name: string, otherwise: number): number {
  const text = parameters.get(name)
  if (!text) return otherwise
  if (/^\d{1,16}$/.test(text)) return Number(text)
  throw new QueryError(400, `unable to parse param '${name}': ${text} is not a number`)
}
