import type { TraceSpan } from './trace.ts'

/**
 * How tests write a trace: a line for each span, below its parent, in the order they start.
 *
 *     gateway SERVER POST /api/auth/login
 *       auth SERVER POST /api/auth/login  user.id http.response.status_code=200
 *         auth CLIENT GET session  cache.hit=false !error.type
 *         auth PRODUCER publish events:auth
 *           ↷ feed CONSUMER process events:auth
 *     never: INSERT users
 *
 * After two spaces come checks: `name` must be there, `name=value` must be that, `!name` must not be
 * there, `ERROR` is the status. A span in error that does not say so is a difference. `↷` begins a
 * trace of its own that links to the span above. `never:` names what no span may be called.
 */
export type Tree = { lines: Line[]; never: string[] }
type Line = { depth: number; follows: boolean; label: string; checks: string[] }

/** Traces that link to a span, by its id. */
export type Followers = Map<string, TraceSpan[]>

const follow = '↷ '

export function parseTree(text: string): Tree {
  const rows = text.split('\n').filter((row) => row.trim())
  const margin = Math.min(...rows.map(indentOf))
  const never = rows.flatMap((row) => /^\s*never: (.+)$/.exec(row)?.[1]?.split(/,\s*/) ?? [])
  const lines = rows
    .filter((row) => !/^\s*never: /.test(row))
    .map((row) => {
      const [said = '', ...checks] = row.trim().split(/\s{2,}/)
      const follows = said.startsWith(follow)
      return {
        depth: Math.round((indentOf(row) - margin) / 2),
        follows,
        label: follows ? said.slice(follow.length) : said,
        checks: checks.flatMap((check) => check.split(' ')),
      }
    })
  return { lines, never }
}

/** A tree in the one spelling in which expected and actual can be compared as texts. */
export function printTree({ lines, never }: Tree): string {
  const rows = lines.map(printLine)
  return never.length > 0 ? [...rows, `never: ${never.join(', ')}`].join('\n') : rows.join('\n')
}

/** What was stored, told in the words of what was expected: the same checks, with the values found. */
export function describeTrace(
  trace: TraceSpan[],
  expected: Tree,
  followers: Followers = new Map(),
): string {
  const asked = checksByLabel(expected)
  const ids = new Set(trace.map(({ id }) => id))
  const lines: Line[] = []
  const add = (span: TraceSpan, among: TraceSpan[], depth: number, follows = false) => {
    const label = `${span.service} ${span.kind} ${span.name}`
    const checks = answerChecks(span, asked.get(label)?.shift() ?? [])
    lines.push({ depth, follows, label, checks })
    for (const child of among.filter(({ parentId }) => parentId === span.id)) {
      add(child, among, depth + 1)
    }
    const later = followers.get(span.id) ?? []
    for (const root of later.filter(({ parentId }) => !parentId)) add(root, later, depth + 1, true)
  }
  for (const root of trace.filter(({ parentId }) => !ids.has(parentId))) add(root, trace, 0)
  const found = lines.filter(({ label }) => expected.never.some((name) => label.includes(name)))
  const never = [...expected.never, ...found.map(({ label }) => `(but there is ${label})`)]
  return printTree({ lines, never })
}

function checksByLabel({ lines }: Tree): Map<string, string[][]> {
  const asked = new Map<string, string[][]>()
  for (const { label, checks } of lines) asked.set(label, [...(asked.get(label) ?? []), checks])
  return asked
}

function answerChecks(span: TraceSpan, checks: string[]): string[] {
  const answered = checks.flatMap((check) => {
    if (check === 'ERROR') return span.status === 'error' ? check : []
    const [, absent, name = '', equals] = /^(!?)([^=]+)(=?)/.exec(check) ?? []
    const found = span.attributes[name]
    if (!found) return absent ? check : []
    return absent || equals ? `${name}=${String(found.value)}` : name
  })
  return span.status === 'error' && !checks.includes('ERROR') ? [...answered, 'ERROR'] : answered
}

function printLine({ depth, follows, label, checks }: Line): string {
  const said = `${'  '.repeat(depth)}${follows ? follow : ''}${label}`
  return checks.length > 0 ? `${said}  ${checks.join(' ')}` : said
}

function indentOf(row: string): number {
  return row.length - row.trimStart().length
}
