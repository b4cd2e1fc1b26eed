import { formatDuration, formatRange } from './format.ts'
import { isCoarse } from './span.ts'
import type { Node } from './tree.ts'
import { walk } from './tree.ts'

/** Like spans under one parent, shown as one row. */
export type Fold = { folded: Node[]; hidden: number }
export type Item = Node | Fold

const fewest = 4

/**
 * Groups four or more siblings of the same service, name and kind. Anything with an error inside
 * stays on its own row, so that folding never hides what went wrong.
 */
export function foldSiblings(siblings: Node[]): Item[] {
  const groups = new Map<string, Node[]>()
  for (const node of siblings) {
    const key = `${node.span.kind} ${node.span.service} ${node.span.name}`
    if (!groups.get(key)?.push(node)) groups.set(key, [node])
  }
  const items: Item[] = []
  for (const group of groups.values()) {
    if (group.length < fewest) items.push(...group)
    else items.push(...foldGroup(group))
  }
  return items.sort((a, b) => startOf(a) - startOf(b))
}

export function isFold(item: Item): item is Fold {
  return 'folded' in item
}

/** What happened, in words: how long each took, how long all took, and whether they waited for each other. */
export function verdict(fold: Fold): string {
  const spans = fold.folded.map((node) => node.span)
  const durations = spans.map((span) => span.end - span.start)
  const sum = durations.reduce((total, duration) => total + duration, 0)
  const coarse = isCoarse(spans)
  const sorted = durations.toSorted((a, b) => a - b)
  const range = formatRange(sorted[0]!, sorted.at(-1)!, coarse)
  const inside = fold.hidden > 0 ? ` (+${fold.hidden} inside)` : ''
  return `${range} each, ${formatDuration(sum, coarse)} in all, ${order(fold.folded)}${inside}`
}

function foldGroup(group: Node[]): Item[] {
  const quiet = group.filter((node) => !hasError(node))
  if (quiet.length < fewest) return group
  const hidden = [...walk(quiet)].length - quiet.length
  return [...group.filter(hasError), { folded: quiet, hidden }]
}

function hasError(node: Node): boolean {
  for (const { span, state } of walk([node])) {
    if (span.failed || span.exceptions.length > 0 || state !== 'here') return true
  }
  return false
}

function order(nodes: Node[]): string {
  const spans = nodes.map((node) => node.span).sort((a, b) => a.start - b.start)
  let overlaps = 0
  let busyUntil = Number.NEGATIVE_INFINITY
  for (const span of spans) {
    if (span.start < busyUntil) overlaps++
    busyUntil = Math.max(busyUntil, span.end)
  }
  // A few that touch by a rounding of the clock do not make a sequence parallel.
  if (overlaps * 10 <= spans.length) return 'one after another'
  return overlaps * 2 >= spans.length ? 'overlapping' : 'partly overlapping'
}

function startOf(item: Item): number {
  return isFold(item) ? item.folded[0]!.span.start : item.span.start
}
