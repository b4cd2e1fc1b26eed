import type { Platform } from '@clew/launcher/platform'

export type Operation = { name: string; system: string }

/** The operations on databases in a stored trace: their names, and on what (`postgresql`, `redis`). */
export async function readOperations(platform: Platform, traceId: string): Promise<Operation[]> {
  const answer = await fetch(`${platform.urls.query}/api/v3/traces/${traceId}`)
  if (!answer.ok) throw new Error(`trace ${traceId} is not stored`)
  const { result } = (await answer.json()) as { result: { resourceSpans: ResourceSpans[] } }
  return result.resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .flatMap(({ name, attributes }) => {
      const system = attributes.find(({ key }) => key === 'db.system.name')?.value.stringValue
      return system ? [{ name, system }] : []
    })
}

type ResourceSpans = { scopeSpans: { spans: Span[] }[] }
type Span = { name: string; attributes: { key: string; value: { stringValue?: string } }[] }
