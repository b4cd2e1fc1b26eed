import { type Context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api'

/**
 * A context with this span as the active one, as `trace.setSpan` gives it. The stock context copies
 * a map each time; a request makes two of these, so it is worth a class of two fields.
 */
export function withSpan(rest: Context, span: Span): Context {
  return new SpanContextual(rest, span)
}

class SpanContextual implements Context {
  readonly #rest: Context
  readonly #span: Span

  constructor(rest: Context, span: Span) {
    this.#rest = rest
    this.#span = span
  }
  getValue(key: symbol): unknown {
    return key === spanKey ? this.#span : this.#rest.getValue(key)
  }
  setValue(key: symbol, value: unknown): Context {
    if (key === spanKey) return this.#rest.setValue(key, value)
    return new SpanContextual(this.#rest.setValue(key, value), this.#span)
  }
  deleteValue(key: symbol): Context {
    if (key === spanKey) return this.#rest.deleteValue(key)
    return new SpanContextual(this.#rest.deleteValue(key), this.#span)
  }
}

const spanKey = findSpanKey()

/** The API keeps its key to itself, but asks a context for it. */
function findSpanKey(): symbol | undefined {
  let found: symbol | undefined
  trace.getSpan({
    getValue(key) {
      found = key
      return undefined
    },
    setValue: () => ROOT_CONTEXT,
    deleteValue: () => ROOT_CONTEXT,
  })
  return found
}
