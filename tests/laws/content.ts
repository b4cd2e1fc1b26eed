import type { AttributeSpec } from '@clew/conventions/attributes'
import { attributes } from '@clew/conventions/attributes'
import type { TraceSpan, TypedAttributes } from '../trace.ts'
import { type Law, say } from './law.ts'

const declared: Record<string, AttributeSpec> = attributes
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i

/** Names are few, so that spans of one name can be counted together. */
export const noIdInName: Law = (trace) =>
  trace.flatMap((span) => {
    const id = idIn(span.name)
    return id ? [`the name of ${say(span)} holds an id: ${id}`] : []
  })

/** Every attribute of a span and of its events stands in telemetry/conventions, with its type. */
export const attributesDeclared: Law = (trace) =>
  trace.flatMap((span) =>
    [span.attributes, ...span.events.map((event) => event.attributes)]
      .flatMap(faultsOf)
      .map((fault) => `${say(span)} carries ${fault}`),
  )

function faultsOf(found: TypedAttributes): string[] {
  return Object.entries(found).flatMap(([name, { type }]) => {
    const spec = declared[name]
    if (!spec) return [`${name}, which is not declared in telemetry/conventions`]
    if (spec.type !== type) return [`${name} as ${type}, declared as ${spec.type}`]
    return []
  })
}

function idIn(name: string): string | undefined {
  return uuid.exec(name)?.[0] ?? name.split(/[^0-9A-Za-z]+/).find(isId)
}

// A word of digits, a run of hexadecimal, or the kind of mixture that only a machine makes.
function isId(word: string): boolean {
  if (/^\d+$/.test(word)) return true
  if (/^[0-9a-f]{8,}$/i.test(word) && /\d/.test(word)) return true
  return word.length >= 20 && /\d/.test(word) && /[A-Z]/.test(word) && /[a-z]/.test(word)
}

export function textsOf(span: TraceSpan): { where: string; text: string }[] {
  const held = [span.attributes, span.resource, ...span.events.map((event) => event.attributes)]
  const values = held.flatMap((attributes) =>
    Object.entries(attributes).flatMap(([where, { value }]) =>
      [value].flat(3).map((text) => ({ where, text: String(text) })),
    ),
  )
  return [{ where: 'its name', text: span.name }, ...values]
}
