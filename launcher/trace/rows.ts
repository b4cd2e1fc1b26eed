import { bareProblem, explain } from './error-words.ts'
import { type Fold, foldSiblings, type Item, isFold, verdict } from './fold.ts'
import { formatDuration } from './format.ts'
import { isCoarse, type Span, statusOf } from './span.ts'
import type { Interval } from './timeline.ts'
import type { Node, Tree } from './tree.ts'

export type Mood = 'good' | 'warning' | 'error' | 'faint'
export type Note = { text: string; mood: Mood }

/** One line of the waterfall, and the notes that stand below it. */
export type Row = {
  service: string
  /** The service, or which of its processes when several had a part: `messaging-2`. */
  source: string
  /** Tree lines leading to this row, two characters a level. */
  guides: string[]
  /** Tree lines for the notes below this row. */
  noteGuides: string[]
  name: string
  /**
   * `pg` or `redis` on a row of a database: `GET profile` alone could be HTTP. `redis ×500` when so
   * many operations went in one round trip. `files` or `s3` on a row of the storage of images.
   */
  system: string
  tag: Note | undefined
  failed: boolean
  bars: Interval[]
  duration: string
  notes: Note[]
}

/** Deeper levels than a line has room for are never drawn; only the nearest ones are kept. */
const keptGuides = 40
/** In microseconds: what the outbox and the commit before it take anyway. */
const usualWait = 50_000

/** Lays a tree out as rows, parents above children; `full` shows every span instead of folding like ones. */
export function toRows(tree: Tree, full: boolean): Row[] {
  const spans = new Map(tree.spans.map((span) => [span.id, span]))
  const told = errorsToldBelow(tree)
  const sourceOf = nameSources(tree.spans)
  const arrange = (nodes: Node[]): Item[] => (full ? nodes : foldSiblings(nodes))
  const rows: Row[] = []
  const waiting: { item: Item; above: string[]; last: boolean; root: boolean }[] = []
  const enqueue = (nodes: Node[], above: string[], root: boolean) => {
    const items = arrange(nodes)
    for (let i = items.length - 1; i >= 0; i--) {
      waiting.push({ item: items[i]!, above, last: i === items.length - 1, root })
    }
  }
  enqueue(tree.roots, [], true)
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { item, above, last, root } = next
    const guides = root ? [] : [...above, last ? '└ ' : '├ ']
    const below = (root ? [] : [...above, last ? '  ' : '│ ']).slice(-keptGuides)
    const children = isFold(item) ? [] : item.children
    const noteGuides = [...below, children.length > 0 ? '│ ' : '  ']
    const shape = { guides, noteGuides }
    if (isFold(item))
      rows.push({ ...foldRow(item), source: sourceOf(item.folded[0]!.span), ...shape })
    else if (item.state === 'missing') rows.push({ ...missingRow(item), source: '', ...shape })
    else rows.push({ ...spanRow(item, spans, told), source: sourceOf(item.span), ...shape })
    enqueue(children, below, false)
  }
  return rows
}

type Content = Omit<Row, 'source' | 'guides' | 'noteGuides'>

/** Names a process only where its service alone would not tell who it was. */
function nameSources(spans: Span[]): (span: Span) => string {
  const instances = new Map<string, Set<string>>()
  for (const { service, instance } of spans) {
    const known = instances.get(service)
    if (known) known.add(instance)
    else instances.set(service, new Set([instance]))
  }
  return ({ service, instance }) =>
    (instances.get(service)?.size ?? 0) > 1 && instance.startsWith(`${service}-`)
      ? instance
      : service
}

function spanRow(node: Node, spans: Map<string, Span>, told: Set<Span>): Content {
  const { span } = node
  const notes: Note[] = []
  if (node.state === 'cycle')
    notes.push({ text: '↻ its own descendant is its parent', mood: 'error' })
  const error = errorText(span)
  if (error && !told.has(span)) notes.push({ text: `✗ ${error}`, mood: 'error' })
  const waited = waitOf(span, spans)
  if (waited > usualWait) notes.push({ text: `waited ${formatDuration(waited)}`, mood: 'faint' })
  for (const link of span.links) {
    notes.push({ text: `↷ ${linkText(link, span, spans)}`, mood: 'faint' })
  }
  return {
    service: span.service,
    name: span.name,
    system: systemOf([span]),
    tag: tagOf(span),
    failed: span.failed,
    bars: [{ start: span.start, end: span.end }],
    duration: formatDuration(span.end - span.start, span.coarse),
    notes,
  }
}

function foldRow(fold: Fold): Content {
  const spans = fold.folded.map((node) => node.span)
  const first = spans[0]!
  const start = spans.reduce((least, span) => Math.min(least, span.start), first.start)
  const end = spans.reduce((latest, span) => Math.max(latest, span.end), first.end)
  return {
    service: first.service,
    name: `×${spans.length} ${first.name}`,
    system: systemOf(spans),
    tag: hitsOf(spans),
    failed: false,
    bars: spans.map((span) => ({ start: span.start, end: span.end })),
    duration: formatDuration(end - start, isCoarse(spans)),
    notes: [{ text: verdict(fold), mood: 'faint' }],
  }
}

function missingRow({ span }: Node): Content {
  const note: Note = { text: 'never arrived; its children are shown here', mood: 'faint' }
  const name = `? ${span.name}`
  const nothing = { system: '', tag: undefined, failed: false, bars: [], duration: '' }
  return { service: '', name, ...nothing, notes: [note] }
}

/** Of like spans. */
function systemOf(spans: Span[]): string {
  const attributes = spans[0]?.attributes
  const name = String(attributes?.['db.system.name'] ?? attributes?.['clew.storage'] ?? '')
  const system = name === 'postgresql' ? 'pg' : name
  const sizes = spans.map((span) => Number(span.attributes['db.operation.batch.size'] ?? 1))
  if (!sizes.some((size) => size > 1)) return system
  const operations = sizes.reduce((sum, size) => sum + size, 0)
  return `${system} ×${operations.toLocaleString('en')}`.trim()
}

function tagOf(span: Span): Note | undefined {
  const hit = span.attributes['cache.hit']
  if (typeof hit === 'boolean')
    return { text: hit ? 'hit' : 'miss', mood: hit ? 'good' : 'warning' }
  const status = statusOf(span)
  const reason = reasonOf(span)
  // A sign-in through a provider is refused with a redirect.
  if (status >= 400 || reason) {
    const text = [status, reason].filter(Boolean).join(' ')
    return { text, mood: status >= 500 ? 'error' : 'warning' }
  }
  const retries = Number(span.attributes['clew.retry.count'] ?? 0)
  if (retries > 0) return { text: `retry ${retries}`, mood: 'warning' }
  const breaker = span.attributes['clew.breaker.state']
  if (breaker) return { text: `breaker ${breaker}`, mood: 'warning' }
  const page = span.attributes['clew.cache']
  return page ? { text: String(page), mood: page === 'hit' ? 'good' : 'warning' } : undefined
}

/** How long an event lay between its producer, here or by a link, and this consumer. */
function waitOf(span: Span, spans: Map<string, Span>): number {
  if (span.kind !== 'consumer') return 0
  const before = [span.parentId, ...span.links.map((link) => link.spanId)]
  const producer = before.map((id) => spans.get(id)).find((other) => other?.kind === 'producer')
  return producer ? span.start - producer.end : 0
}

/** Why a service refused: which limit was exceeded or what was wrong with a credential. */
function reasonOf({ kind, attributes }: Span): unknown {
  return kind === 'server' ? (attributes['clew.refusal'] ?? attributes['clew.limit']) : undefined
}

function hitsOf(spans: Span[]): Note | undefined {
  const asked = spans.filter((span) => typeof span.attributes['cache.hit'] === 'boolean')
  if (asked.length === 0) return undefined
  const hits = asked.filter((span) => span.attributes['cache.hit']).length
  if (hits === asked.length) return { text: 'hits', mood: 'good' }
  return { text: hits === 0 ? 'misses' : `${hits}/${asked.length} hit`, mood: 'warning' }
}

/** What went wrong, in the words the span carries; undefined when it only failed because a child did. */
function errorText(span: Span): string | undefined {
  const exception = span.exceptions.at(-1)
  if (exception) return explain(exception.type, exception.message)
  if (!span.failed) return undefined
  return explain(String(span.attributes['error.type'] ?? ''), span.statusMessage) || 'failed'
}

/** Spans whose error a descendant tells already, in the same words or in better ones. */
function errorsToldBelow(tree: Tree): Set<Span> {
  const byId = new Map(tree.spans.map((span) => [span.id, span]))
  const told = new Set<Span>()
  for (const span of tree.spans) {
    const text = errorText(span)
    if (!text) continue
    const passed = new Set<Span>([span])
    for (let up = byId.get(span.parentId); up && !passed.has(up); up = byId.get(up.parentId)) {
      passed.add(up)
      const above = errorText(up)
      if (above === text || (above && isBare(up, above))) told.add(up)
    }
  }
  return told
}

function isBare(span: Span, text: string): boolean {
  const status = String(statusOf(span) || 'failed')
  return text === status || text === bareProblem
}

function linkText(
  link: { traceId: string; spanId: string },
  from: Span,
  spans: Map<string, Span>,
): string {
  const target = spans.get(link.spanId)
  if (target) return `continues ${target.name} (${target.service})`
  return link.traceId === from.traceId
    ? `continues span ${link.spanId}, not in this trace yet`
    : `continues trace ${link.traceId}`
}
