import type { ResourceSpans } from '../otlp/shape.ts'

const comma = Buffer.from(',')

/** Stored texts as one, between an opening and a closing one. */
export function joinTexts(opening: string, texts: Uint8Array[], closing: string): Buffer {
  const parts = texts.flatMap((text, at) => (at === 0 ? [text] : [comma, text]))
  return Buffer.concat([Buffer.from(opening), ...parts, Buffer.from(closing)])
}

export function parseTexts(texts: Uint8Array[]): ResourceSpans[] {
  return JSON.parse(joinTexts('[', texts, ']').toString())
}
