import { isUtf8 } from 'node:buffer'
import {
  fail,
  nullWord,
  openList,
  openObject,
  skipSpace,
  skipValue,
  walkList,
  walkObject,
} from './json-text.ts'
import type { KeyValue } from './shape.ts'
import type { SpanRecord } from './span-record.ts'
import { createSpanScanner } from './span-scanner.ts'

/** Resource and scope that spans share: the JSON that stands before and after them in `resourceSpans`. */
export type Source = { service: string; head: Buffer; tail: Buffer }
/** What one batch says of one trace. */
export type TraceGroup = {
  traceId: string
  body: Buffer
  blocks: { source: Source; spans: SpanRecord[] }[]
}
export type Batch = { groups: TraceGroup[]; received: number; rejected: number; reason: string }

/** The request is not OTLP at all, so that nothing of it can be kept. */
export class MalformedBatch extends Error {
  override name = 'MalformedBatch'
}

/**
 * Sorts the spans of a request, given as OTLP JSON, by trace. A span at fault is left out and counted, its
 * neighbours stay; `reason` explains the first one. The groups keep referring to the body.
 * @throws SyntaxError when the body is not JSON; MalformedBatch when it is not built as OTLP is
 */
export function sortBatch(body: Buffer): Batch {
  if (!isUtf8(body)) throw new SyntaxError('it is not UTF-8')
  const batch: Batch = { groups: [], received: 0, rejected: 0, reason: '' }
  const byTrace = new Map<string, TraceGroup>()
  const { span } = createSpanScanner(body)
  let resource = { json: '{}', schemaUrl: '', sources: [] as { source: Source; scope: string }[] }
  let scope = { json: '', schemaUrl: '' }
  let source: Source
  let group: TraceGroup | undefined
  let spans: SpanRecord[] = []

  function takeResource(from: number): number {
    resource = { json: '{}', schemaUrl: '', sources: [] }
    const end = members('An entry of resourceSpans', from, (field, at) => {
      if (field === 'scopeSpans') return items(field, at, takeScope)
      const end = skipValue(body, at)
      if (field === 'resource') resource.json = objectText('A resource', at, end)
      else if (field === 'schemaUrl') resource.schemaUrl = body.toString('utf8', at, end)
      return end
    })
    finishSources()
    return end
  }

  function takeScope(from: number): number {
    scope = { json: '', schemaUrl: '' }
    source = { service: '', head: body, tail: body }
    group = undefined
    const end = members('An entry of scopeSpans', from, (field, at) => {
      if (field === 'spans') return items(field, at, takeSpan)
      const end = skipValue(body, at)
      if (field === 'scope') scope.json = objectText('A scope', at, end)
      else if (field === 'schemaUrl') scope.schemaUrl = body.toString('utf8', at, end)
      return end
    })
    const json = (scope.json && `"scope":${scope.json},`) + schemaUrlText(scope.schemaUrl, 'before')
    resource.sources.push({ source, scope: json })
    return end
  }

  function takeSpan(from: number): number {
    const { end, taken } = span(from, batch.received++)
    if (typeof taken === 'string') {
      batch.rejected++
      batch.reason ||= taken
      return end
    }
    // Neighbours mostly belong to the same trace: the last place found is tried first.
    if (group?.traceId !== taken.traceId) openBlock(taken.traceId)
    spans.push(taken)
    return end
  }

  function openBlock(traceId: string): void {
    group = byTrace.get(traceId)
    if (!group) {
      group = { traceId, body, blocks: [] }
      byTrace.set(traceId, group)
      batch.groups.push(group)
    }
    const last = group.blocks.at(-1)
    spans = last?.source === source ? last.spans : []
    if (last?.source !== source) group.blocks.push({ source, spans })
  }

  /** The resource may stand behind its spans, so their surroundings are known only at its end. */
  function finishSources(): void {
    const service = serviceName(JSON.parse(resource.json).attributes)
    for (const { source, scope } of resource.sources) {
      source.service = service
      source.head = Buffer.from(`{"resource":${resource.json},"scopeSpans":[{${scope}"spans":[`)
      source.tail = Buffer.from(`]}]${schemaUrlText(resource.schemaUrl, 'after')}}`)
    }
  }

  function members(
    what: string,
    from: number,
    take: (field: string, at: number) => number,
  ): number {
    if (body[from] !== openObject) {
      skipValue(body, from)
      throw new MalformedBatch(`${what} is not an object.`)
    }
    return walkObject(body, from, (at, keyFrom, keyTo) =>
      take(body.toString('utf8', keyFrom, keyTo), at),
    )
  }

  function items(name: string, from: number, take: (at: number) => number): number {
    if (body[from] === openList) return walkList(body, from, take)
    const end = skipValue(body, from)
    if (body[from] === nullWord) return end
    throw new MalformedBatch(`${name} is not a list.`)
  }

  function objectText(what: string, from: number, to: number): string {
    if (body[from] === openObject) return body.toString('utf8', from, to)
    if (body[from] === nullWord) return '{}'
    throw new MalformedBatch(`${what} is not an object.`)
  }

  const end = members('The body', skipSpace(body, 0), (field, at) =>
    field === 'resourceSpans' ? items(field, at, takeResource) : skipValue(body, at),
  )
  const rest = skipSpace(body, end)
  if (rest < body.length) fail(body, rest)
  return batch
}

export function serviceName(attributes: KeyValue[] | undefined): string {
  if (!Array.isArray(attributes)) return 'unknown_service'
  const named = attributes.find((attribute) => attribute?.key === 'service.name')
  return String(named?.value?.stringValue || 'unknown_service')
}

function schemaUrlText(json: string, comma: 'before' | 'after'): string {
  if (!json.startsWith('"') || json === '""') return ''
  return comma === 'before' ? `"schemaUrl":${json},` : `,"schemaUrl":${json}`
}
