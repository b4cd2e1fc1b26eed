import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPlatform } from './platform.ts'

/** What a test knows and the stored traces do not say; the laws ask for it when the run is over. */
export type Note =
  /** A text that a person typed or holds. It may be on no span. */
  | { secret: string }
  /** The id of a span that a caller outside Clew claims to have. */
  | { outside: string }
  /** A trace that was looked at whole: no span may come after. */
  | { traceId: string; spans: number }
  /** So many spans phones of ours have sent. */
  | { phoneSpans: number }
  /** In this time spans may have been lost, because a part was taken away; and which. */
  | { cut: string; fromMs: number; toMs: number }

/**
 * The `deployment.environment.name` of a service whose spans the community's instrumentations make:
 * they keep rules of their own, so the laws are not asked of them.
 */
export const communityEnvironment = 'test-auto'

/** Keeps notes in a file, since test files run in processes of their own. */
export function note(...notes: Note[]): void {
  appendFileSync(path(), notes.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
}

export function readNotes(): Note[] {
  if (!existsSync(path())) return []
  const lines = readFileSync(path(), 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line))
}

function path(): string {
  return join(readPlatform().state, 'data', 'test-notes.jsonl')
}
