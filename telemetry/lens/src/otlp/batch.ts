import type { KeyValue, Resource, ResourceSpans, Scope, Span, TracesData } from './shape.ts'
import { faultOf } from './span.ts'

export type ScopeBlock = { scope: Scope | undefined; schemaUrl: string | undefined; spans: Span[] }
export type ResourceBlock = { source: ResourceSource; scopes: ScopeBlock[] }
/** One resource of a batch; its JSON text is made once, however many traces it takes part in. */
export type ResourceSource = {
  service: string
  resource: Resource | undefined
  schemaUrl: string | undefined
  json: string | undefined
}
/** What one batch says of one trace. */
export type TraceGroup = { traceId: string; spans: number; blocks: ResourceBlock[] }
export type Batch = { groups: TraceGroup[]; received: number; rejected: number; reason: string }

/** The request is not OTLP at all, so that nothing of it can be kept. */
export class MalformedBatch extends Error {
  override name = 'MalformedBatch'
}

/**
 * Sorts the spans of a request by trace. A span at fault is left out and counted, its neighbours stay;
 * `reason` explains the first one.
 * @throws MalformedBatch when the lists that hold the spans are not lists
 */
export function sortBatch(data: TracesData): Batch {
  const batch: Batch = { groups: [], received: 0, rejected: 0, reason: '' }
  const byTrace = new Map<string, TraceGroup>()
  for (const resourceSpans of list(data.resourceSpans, 'resourceSpans')) {
    const source = sourceOf(resourceSpans)
    for (const scopeSpans of list(resourceSpans.scopeSpans, 'scopeSpans')) {
      if (!isObject(scopeSpans))
        throw new MalformedBatch('An entry of scopeSpans is not an object.')
      const spans = list(scopeSpans.spans, 'spans')
      batch.received += spans.length
      // Neighbours mostly belong to the same trace: the last place found is tried first.
      let group: TraceGroup | undefined
      let block: ScopeBlock | undefined
      for (const span of spans) {
        const fault = faultOf(span)
        if (fault) {
          batch.rejected++
          batch.reason ||= fault
          continue
        }
        if (group?.traceId !== span.traceId) {
          group = byTrace.get(span.traceId)
          if (!group) {
            group = { traceId: span.traceId, spans: 0, blocks: [] }
            byTrace.set(span.traceId, group)
            batch.groups.push(group)
          }
          block = undefined
        }
        block ??= openBlock(group!, source, scopeSpans)
        block.spans.push(span)
        group!.spans++
      }
    }
  }
  return batch
}

function openBlock(
  group: TraceGroup,
  source: ResourceSource,
  { scope, schemaUrl }: { scope?: Scope; schemaUrl?: string },
): ScopeBlock {
  let resource = group.blocks.at(-1)
  if (resource?.source !== source) {
    resource = { source, scopes: [] }
    group.blocks.push(resource)
  }
  let block = resource.scopes.at(-1)
  if (!block || block.scope !== scope) {
    block = { scope, schemaUrl, spans: [] }
    resource.scopes.push(block)
  }
  return block
}

function sourceOf(resourceSpans: ResourceSpans): ResourceSource {
  if (!isObject(resourceSpans)) {
    throw new MalformedBatch('An entry of resourceSpans is not an object.')
  }
  const { resource, schemaUrl } = resourceSpans
  if (resource !== undefined && !isObject(resource)) {
    throw new MalformedBatch('A resource is not an object.')
  }
  return { service: serviceName(resource?.attributes), resource, schemaUrl, json: undefined }
}

export function serviceName(attributes: KeyValue[] | undefined): string {
  if (!Array.isArray(attributes)) return 'unknown_service'
  const named = attributes.find((attribute) => attribute?.key === 'service.name')
  return String(named?.value?.stringValue || 'unknown_service')
}

function list<Item>(value: Item[] | undefined | null, name: string): Item[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new MalformedBatch(`${name} is not a list.`)
  return value
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
