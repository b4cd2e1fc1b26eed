import type { Family } from './registry.ts'

export const contentType = 'text/plain; version=0.0.4; charset=utf-8'

/** Prometheus' text format 0.0.4: families by name, series by labels, HELP and TYPE once each. */
export function toText(families: Family[]): string {
  const lines: string[] = []
  for (const family of families) {
    lines.push(`# HELP ${family.name} ${escapeHelp(family.help)}`)
    lines.push(`# TYPE ${family.name} ${family.type === 'set' ? 'gauge' : family.type}`)
    const series = [...family.series].sort(([a], [b]) => (a < b ? -1 : 1))
    for (const [labels, { read }] of series) {
      for (const { suffix, label, value } of read()) {
        const all = labels && label ? `${labels},${label}` : labels || label
        const braced = all ? `{${all}}` : ''
        lines.push(`${family.name}${suffix}${braced} ${formatNumber(value)}`)
      }
    }
  }
  return `${lines.join('\n')}\n`
}

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
