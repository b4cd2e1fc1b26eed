import type { Source } from '../otlp/batch.ts'
import type { SpanRecord } from '../otlp/span-record.ts'

const comma = Buffer.from(',')

/**
 * Adds one entry of `resourceSpans` with these spans, cut out of the body of their request. Spans that
 * stood beside each other there are copied in one piece, with what stood between them.
 */
export function addText(texts: Buffer[], source: Source, spans: SpanRecord[], body: Buffer): void {
  if (texts.length > 0) texts.push(comma)
  texts.push(source.head)
  for (let at = 0; at < spans.length; ) {
    if (at > 0) texts.push(comma)
    const first = spans[at]!
    let last = first
    at++
    while (at < spans.length && follows(last, spans[at]!)) last = spans[at++]!
    texts.push(first.text ?? body.subarray(first.from, last.to))
  }
  texts.push(source.tail)
}

function follows(last: SpanRecord, next: SpanRecord): boolean {
  return next.place === last.place + 1 && !last.text && !next.text
}
