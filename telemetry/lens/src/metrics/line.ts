export type StatsdType = 'counter' | 'gauge' | 'histogram' | 'set'
export type Tags = Record<string, string>

export type Line = {
  type: StatsdType
  /** Name, type and tags as sent: the same text is always the same series. */
  key: string
  name: string
  tags: string
  /** Several values may be packed into one line, separated by colons. */
  values: string[]
  /** Share of samples that were sent, above 0 and at most 1. */
  rate: number
}

const types: Record<string, StatsdType> = {
  c: 'counter',
  g: 'gauge',
  ms: 'histogram',
  h: 'histogram',
  d: 'histogram',
  s: 'set',
}
const longest = 4_096

/**
 * Takes a DogStatsD line apart: `name:value|type|@rate|#key:value,key:value`.
 * Returns 'ignored' for an event or a service check, which are no metrics, and undefined for what
 * cannot be read. Of the later fields it steps over timestamp, container, external data and cardinality.
 */
export function readLine(line: string): Line | 'ignored' | undefined {
  if (line.startsWith('_e{') || line.startsWith('_sc|')) return 'ignored'
  if (line.length > longest) return undefined
  const colon = line.indexOf(':')
  const bar = line.indexOf('|', colon)
  if (colon < 1 || bar < colon + 2) return undefined
  let end = fieldEnd(line, bar + 1)
  const typeText = line.slice(bar + 1, end)
  const type = Object.hasOwn(types, typeText) ? types[typeText] : undefined
  if (!type) return undefined

  let rate = 1
  let tags = ''
  while (end < line.length) {
    const start = end + 1
    end = fieldEnd(line, start)
    const mark = line[start]
    if (mark === '@') rate = readNumber(line.slice(start + 1, end)) ?? 0
    else if (mark === '#') tags = line.slice(start + 1, end)
    else if (!isPassedOver(line, start)) return undefined
  }
  if (rate <= 0 || rate > 1) return undefined
  const name = line.slice(0, colon)
  const text = line.slice(colon + 1, bar)
  const values = type !== 'set' && text.includes(':') ? text.split(':') : [text]
  return { type, key: `${name}|${typeText}|${tags}`, name, tags, values, rate }
}

/** Tags as written after `#`. One without a value is a label without a value, which Prometheus ignores. */
export function readTags(text: string): Tags {
  const tags: Tags = {}
  for (const tag of text.split(',')) {
    const colon = tag.indexOf(':')
    if (colon > 0 && colon < tag.length - 1) tags[tag.slice(0, colon)] = tag.slice(colon + 1)
  }
  return tags
}

/** A decimal number, or undefined for anything else that JavaScript would take for one. */
export function readNumber(text: string): number | undefined {
  if (text === '') return undefined
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const isDigit = code >= 48 && code <= 57
    // Plus, minus, dot, and the letter of an exponent.
    if (!isDigit && code !== 43 && code !== 45 && code !== 46 && code !== 69 && code !== 101) {
      return undefined
    }
  }
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

function fieldEnd(line: string, start: number): number {
  const end = line.indexOf('|', start)
  return end === -1 ? line.length : end
}

function isPassedOver(line: string, start: number): boolean {
  return (
    line.startsWith('T', start) ||
    line.startsWith('c:', start) ||
    line.startsWith('e:', start) ||
    line.startsWith('card:', start)
  )
}
