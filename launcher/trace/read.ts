import type { ResourceSpans } from './span.ts'

/** A trace cannot be shown. `message` is one sentence that says why, and what to do. */
export class TraceError extends Error {
  override name = 'TraceError'
}

/** Nothing answers where the traces are, or nothing that speaks JSON. */
export class StoreAway extends TraceError {
  override name = 'StoreAway'
}

export type Answer = { status: number; body: unknown }

const answerMs = 5_000

/**
 * The spans of one trace as OTLP JSON; undefined while the store has none of it.
 * @throws StoreAway, or another TraceError when the store fails
 */
export async function readTrace(
  queryUrl: string,
  id: string,
): Promise<ResourceSpans[] | undefined> {
  const answer = await ask(queryUrl, `/api/v3/traces/${id}`)
  if (answer.status === 404 || answer.status === 400) return undefined
  if (answer.status !== 200) throw refused(queryUrl, answer.status)
  const spans = resourceSpansOf(answer.body)
  return spans.length > 0 ? spans : undefined
}

export function resourceSpansOf(body: unknown): ResourceSpans[] {
  const { result } = body as { result?: { resourceSpans?: ResourceSpans[] } }
  return result?.resourceSpans ?? []
}

/** @throws StoreAway */
export async function ask(queryUrl: string, path: string): Promise<Answer> {
  try {
    const answer = await fetch(new URL(path, queryUrl), { signal: AbortSignal.timeout(answerMs) })
    if (answer.ok) return { status: answer.status, body: await answer.json() }
    await answer.body?.cancel()
    return { status: answer.status, body: undefined }
  } catch (error) {
    throw new StoreAway(`No traces can be read: nothing answers at ${queryUrl}.`, { cause: error })
  }
}

export function refused(queryUrl: string, status: number): TraceError {
  return new TraceError(`The trace store at ${queryUrl} answered ${status}; see its log.`)
}
