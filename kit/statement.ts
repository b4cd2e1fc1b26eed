import type { Operation } from '@clew/telemetry/database'

export type Statement = Operation & { prepared: { name: string; text: string } }

/**
 * Describes a statement for its span once, and remembers it: `INSERT users`, its text, its table.
 * Texts hold `$1, $2` in place of values, so they are few and hold nothing private.
 */
export function describeStatement(database: URL): (text: string) => Statement {
  const known = new Map<string, Statement>()
  return (text) => {
    const found = known.get(text)
    if (found) return found
    const { operation, table } = summarize(text)
    const shown = text
      .replace(/'[^']*'/g, '?')
      .replace(/\s+/g, ' ')
      .trim()
    const name = table ? `${operation} ${table}` : operation
    const statement: Statement = {
      name,
      attributes: {
        'db.system.name': 'postgresql',
        'db.namespace': database.pathname.slice(1),
        'db.operation.name': operation,
        ...(table && { 'db.collection.name': table }),
        'db.query.summary': name,
        'db.query.text': shown,
        'server.address': database.hostname,
        'server.port': Number(database.port || 5432),
      },
      prepared: { name: `s${known.size}`, text },
    }
    // `begin; set local app.user_id` holds a person's id: describe it anew rather than keep each.
    if (operation !== 'BEGIN' || text === 'begin') known.set(text, statement)
    return statement
  }
}

/**
 * The operation and its main table. Of a `with` it is the last top-level statement's, and the first
 * table there that is not itself a `with` part.
 */
export function summarize(text: string): { operation: string; table: string | undefined } {
  const isWith = /^\s*with\b/i.test(text)
  const body = isWith ? mainStatement(text) : text
  const operation = /^[\s(]*(\w+)/.exec(body)?.[1]?.toUpperCase() ?? 'QUERY'
  const named = [...body.matchAll(/\b(?:from|into|update|table)\s+(?:only\s+)?([a-z_][\w.]*)/gi)]
  const tables = named.map(([, name = '']) => name)
  const parts = isWith ? partsOf(text) : []
  return { operation, table: tables.find((name) => !parts.includes(name)) ?? tables[0] }
}

function partsOf(text: string): string[] {
  const parts = text.matchAll(/([a-z_]\w*)\s+as\s+(?:(?:not\s+)?materialized\s+)?\(/gi)
  return [...parts].map(([, name = '']) => name)
}

/** What follows the last parenthesis that closes a `with` part. */
function mainStatement(text: string): string {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth++
    else if (text[at] === ')') {
      depth--
      if (depth === 0 && /^\s*(select|insert|update|delete)\b/i.test(text.slice(at + 1))) {
        return text.slice(at + 1)
      }
    }
  }
  return text
}
