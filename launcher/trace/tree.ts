import type { Span } from './span.ts'

export type Node = {
  span: Span
  children: Node[]
  /** `missing` stands for a span that others name as their parent but that never arrived. */
  state: 'here' | 'missing' | 'cycle'
}

export type Tree = {
  roots: Node[]
  spans: Span[]
  /** The span that answered the caller, when the trace is one request. */
  request: Span | undefined
  /** Microseconds from the first start to the last end. */
  finished: number
  /** When the answer went out, in microseconds; undefined unless work went on after it. */
  answered: number | undefined
  orphans: number
  cycles: number
  /** The caller sent its own trace context but no spans, as a phone, k6 or curl may. */
  calledFromOutside: boolean
}

/** In microseconds. */
const grace = 1_000

/** Where requests enter Clew. The parent of such a span belongs to the caller, who may not record spans. */
export function isEntrance(service: string): boolean {
  return service === 'gateway'
}

/** As `isEntrance`, also for what came by a socket, of which the gateway makes no span. */
function isEntered({ service, kind, attributes }: Span): boolean {
  const bySocket = kind === 'server' && attributes['messaging.system'] === 'socket.io'
  return isEntrance(service) || bySocket
}

/**
 * Arranges spans as they called each other, siblings by start. Nothing is lost or moved: spans whose
 * parent is absent stand under a row for it, and a cycle is cut at its earliest span.
 */
export function buildTree(spans: Span[]): Tree {
  const nodes = spans.map((span): Node => ({ span, children: [], state: 'here' }))
  const byId = new Map<string, Node>()
  for (const node of nodes) if (!byId.has(node.span.id)) byId.set(node.span.id, node)

  const roots: Node[] = []
  const missing = new Map<string, Node[]>()
  for (const node of nodes) {
    const parent = byId.get(node.span.parentId)
    if (!node.span.parentId) roots.push(node)
    else if (parent) parent.children.push(node)
    else if (!missing.get(node.span.parentId)?.push(node)) missing.set(node.span.parentId, [node])
  }

  const calledFromOutside = roots.length === 0 && isFromOutside(missing)
  let orphans = 0
  for (const [id, children] of missing) {
    if (calledFromOutside) roots.push(...children)
    else {
      roots.push(phantom(id, children))
      orphans += children.length
    }
  }
  const cycles = cutCycles(nodes, roots)
  roots.sort((a, b) => a.span.start - b.span.start)
  const request = requestOf(roots)
  return {
    roots,
    spans,
    request,
    answered: request && isLate(roots, request.end) ? request.end : undefined,
    finished: spans.reduce((latest, span) => Math.max(latest, span.end), 0),
    orphans,
    cycles,
    calledFromOutside,
  }
}

/** Every node once, parents before children. Iterative: a trace may be deeper than the stack. */
export function* walk(roots: Node[]): Generator<Node> {
  const waiting = [...roots].reverse()
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    yield node
    for (let i = node.children.length - 1; i >= 0; i--) waiting.push(node.children[i]!)
  }
}

function requestOf(roots: Node[]): Span | undefined {
  const [first, ...others] = roots.filter((root) => root.state === 'here')
  return others.length === 0 && first?.span.kind === 'server' ? first.span : undefined
}

/**
 * Whether anything began after the answer, or a consumer was still at work. A service whose span ends a
 * moment after the gateway's is no such work: clocks and log times are exact to a millisecond only.
 */
function isLate(roots: Node[], answered: number): boolean {
  const consumers = [...walk(roots)].filter(({ span }) => span.kind === 'consumer')
  const background = [...walk(consumers)].some(({ span }) => span.end > answered + grace)
  return background || [...walk(roots)].some(({ span }) => span.start > answered + grace)
}

function isFromOutside(missing: Map<string, Node[]>): boolean {
  const orphans = [...missing.values()].flat()
  return missing.size === 1 && orphans.every(({ span }) => isEntered(span))
}

function phantom(id: string, children: Node[]): Node {
  const first = children[0]!.span
  const span: Span = {
    ...first,
    id,
    parentId: '',
    service: '',
    name: `missing parent ${id}`,
    kind: 'internal',
    end: children.reduce((latest, child) => Math.max(latest, child.span.end), 0),
    failed: false,
    attributes: {},
    exceptions: [],
    links: [],
  }
  return { span, children, state: 'missing' }
}

function cutCycles(nodes: Node[], roots: Node[]): number {
  const reached = new Set(walk(roots))
  let cycles = 0
  for (const node of nodes) {
    if (reached.has(node)) continue
    // Spans under a cycle are unreachable too: climb to the cycle itself before cutting it.
    const start = climb(node, nodes)
    const parent = nodes.find((other) => other.children.includes(start))
    if (parent) parent.children = parent.children.filter((child) => child !== start)
    start.state = 'cycle'
    roots.push(start)
    cycles++
    for (const found of walk([start])) reached.add(found)
  }
  return cycles
}

function climb(node: Node, nodes: Node[]): Node {
  const parents = new Map(
    nodes.flatMap((parent) => parent.children.map((child) => [child, parent])),
  )
  const seen = new Set<Node>()
  let at = node
  while (!seen.has(at)) {
    seen.add(at)
    at = parents.get(at) ?? at
  }
  return earliestInCycle(at, parents)
}

function earliestInCycle(start: Node, parents: Map<Node, Node>): Node {
  let earliest = start
  for (let at = parents.get(start); at && at !== start; at = parents.get(at)) {
    if (at.span.start < earliest.span.start) earliest = at
  }
  return earliest
}
