import { cut, formatDuration, formatTick, length, pad, padStart, plural } from './format.ts'
import type { Palette } from './palette.ts'
import type { Row } from './rows.ts'
import { isCoarse, type Span, statusOf } from './span.ts'
import type { Timeline } from './timeline.ts'
import { type Tree, walk } from './tree.ts'

type Share = {
  service: string
  spans: number
  own: number
  coarse: boolean
  away: Map<string, number>
}

const stores: Record<string, string> = { postgresql: 'Postgres', redis: 'Redis' }

/** What the trace is, in three lines: the request and its time, the id and counts, what is odd about it. */
export function header(tree: Tree, width: number, palette: Palette): string[] {
  const main = tree.request ?? tree.roots.find((root) => root.state === 'here')?.span
  const first = main ?? tree.spans[0]!
  const status = statusOf(first)
  const title = status ? `${first.name} → ${status}` : first.name
  const { request } = tree
  const time = request
    ? formatDuration(request.end - request.start, request.coarse)
    : formatDuration(tree.finished, isCoarse(tree.spans))
  const errors = tree.spans.filter((span) => span.failed).length
  const services = new Set(tree.spans.map((span) => span.service)).size
  const counts = `${plural(tree.spans.length, 'span')} · ${plural(services, 'service')} · `
  const failed = errors > 0 ? palette.error(`✗ ${plural(errors, 'error')}`) : 'no errors'
  const named = cut(title, width - length(time) - 1)
  return [
    palette.strong(pad(named, width - length(time)) + time),
    palette.faint('trace ') + first.traceId,
    palette.faint(counts) + (errors > 0 ? failed : palette.faint(failed)),
    ...oddities(tree).map((text) => palette.warning(cut(text, width))),
  ]
}

/** How many spans each service made and how long it was busy itself, waiting for no child. */
export function footer(
  tree: Tree,
  rows: Row[],
  width: number,
  timeline: Timeline,
  palette: Palette,
): string[] {
  const shares = sharesOf(tree)
  const serviceWidth = shares.reduce((most, share) => Math.max(most, length(share.service)), 7)
  const lines = shares.map((share) => {
    const own = padStart(formatDuration(share.own, share.coarse), 7)
    const spans = padStart(plural(share.spans, 'span'), 9)
    const away = [...share.away].sort().map(([store, time]) => `${store} ${formatDuration(time)}`)
    const text = `${spans}  ${own} own time${away.length > 0 ? `, ${away.join(', ')}` : ''}`
    const room = Math.max(0, width - Math.min(serviceWidth, 12) - 1)
    const service = pad(cut(share.service, 12), Math.min(serviceWidth, 12))
    return `${palette.service(share.service, service)} ${cut(text, room)}`
  })
  const shown = rows.filter((row) => row.name.startsWith('×')).length
  const notes = [
    ...(shown > 0 ? ['Like spans are folded (×); --full shows each.'] : []),
    ...(timeline.squeezed ? ['Time after the answer (┊) is drawn to a smaller scale.'] : []),
  ]
  return [...lines, ...notes.map((note) => palette.faint(cut(note, width)))]
}

function oddities(tree: Tree): string[] {
  const { answered } = tree
  const roots = tree.roots.filter((root) => root.state === 'here').length
  return [
    answered !== undefined
      ? `answered at ${formatTick(answered)}, finished at ${formatTick(tree.finished)}`
      : '',
    tree.calledFromOutside
      ? 'called from outside: the caller sent its trace context, no spans'
      : '',
    orphanText(tree.orphans),
    roots > 1 ? `${roots} roots: these spans share a trace id but no first span` : '',
    tree.cycles > 0 ? `${plural(tree.cycles, 'cycle')} of parents, cut at the earliest span` : '',
  ].filter(Boolean)
}

function orphanText(count: number): string {
  if (count === 0) return ''
  return count === 1
    ? '1 span names a parent that never arrived'
    : `${count} spans name a parent that never arrived`
}

function sharesOf(tree: Tree): Share[] {
  const shares = new Map<string, Share>()
  for (const { span, children, state } of walk(tree.roots)) {
    if (state === 'missing') continue
    const share = shares.get(span.service) ?? newShare(span.service)
    shares.set(span.service, share)
    share.spans++
    share.coarse &&= span.coarse
    const time = ownTime(
      span,
      children.map((child) => child.span),
    )
    const store = stores[String(span.attributes['db.system.name'] ?? '')]
    if (store) share.away.set(store, (share.away.get(store) ?? 0) + time)
    else share.own += time
  }
  return [...shares.values()]
}

function newShare(service: string): Share {
  return { service, spans: 0, own: 0, coarse: true, away: new Map() }
}

/** The span's time that no child covers; children may overlap or outlive it. */
function ownTime(span: Span, children: Span[]): number {
  let own = 0
  let at = span.start
  for (const child of children.toSorted((a, b) => a.start - b.start)) {
    own += Math.max(0, Math.min(child.start, span.end) - at)
    at = Math.max(at, Math.min(child.end, span.end))
  }
  return own + Math.max(0, span.end - at)
}
