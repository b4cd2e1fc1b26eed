/** What an OTLP/HTTP endpoint said of a batch: how many spans it will never take, or when to send it again. */
export type Verdict =
  | { taken: true; refused: number }
  | { taken: false; retryAfterMs: number | undefined }

// https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes: only these mean "again";
// after any other refusal the same batch would be refused for ever.
const passing = new Set([429, 502, 503, 504])

/** @param spans how many the batch holds */
export function judgeAnswer(
  answer: { status: number; retryAfter: string | undefined; text: string },
  spans: number,
): Verdict {
  if (passing.has(answer.status)) {
    const seconds = Number(answer.retryAfter ?? Number.NaN)
    return { taken: false, retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined }
  }
  const refused = answer.status === 200 ? rejectedSpans(answer.text) : spans
  return { taken: true, refused: Math.min(refused, spans) }
}

/** An answer that cannot be read is still a 200: the batch was taken. */
function rejectedSpans(text: string): number {
  try {
    return Number(JSON.parse(text).partialSuccess?.rejectedSpans ?? 0)
  } catch {
    return 0
  }
}
