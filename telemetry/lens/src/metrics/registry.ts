import { readLine, readNumber, readTags, type StatsdType, type Tags } from './line.ts'
import { labelName, metricName } from './names.ts'
import { createSeries, type Series } from './series.ts'

export type Family = { name: string; help: string; type: StatsdType; series: Map<string, Series> }

export type Registry = {
  /** Takes one StatsD line without its line end. */
  take(line: string): void
  /** Counts a line that could not even be read as text. */
  reject(): void
  count(name: string, value?: number, tags?: Tags): void
  gauge(name: string, value: number, tags?: Tags): void
  /** All metrics by name. */
  families(): Family[]
}

type Reason = 'malformed' | 'conflict' | 'overflow'

/** Metrics without ids in their tags stay far below; one with ids must not take the memory. */
const defaults = { seriesPerName: 500, series: 10_000 }

/** Adds StatsD samples up. Whatever it cannot take is counted, by reason, and never throws. */
export function createRegistry(limits: typeof defaults = defaults): Registry {
  const families = new Map<string, Family>()
  const takenNames = new Set<string>()
  const known = new Map<string, Series>()
  let seriesCount = 0

  const own = (name: string, help: string): (() => void) => {
    const series = createSeries('counter')
    findFamily(`clew_lens_statsd_${name}_total`, 'counter', help)?.series.set('', series)
    return () => series.add(1, '', 1)
  }
  const received = own('received', 'Values taken from StatsD lines.')
  const refused: Record<Reason, () => void> = {
    malformed: own('rejected', 'StatsD lines or values that could not be read.'),
    conflict: own('conflicts', 'StatsD lines whose name already has another type.'),
    overflow: own('overflow', 'StatsD lines beyond the limit of series.'),
  }

  function findFamily(name: string, type: StatsdType, help: string): Family | undefined {
    const family = families.get(name)
    if (family) return family.type === type ? family : undefined
    const names = [name]
    if (type === 'histogram') names.push(`${name}_bucket`, `${name}_sum`, `${name}_count`)
    if (names.some((taken) => takenNames.has(taken))) return undefined
    const added: Family = { name, help, type, series: new Map() }
    families.set(name, added)
    for (const taken of names) takenNames.add(taken)
    return added
  }

  function findSeries(
    statsdName: string,
    type: StatsdType,
    tags: Tags,
    help: string,
  ): Series | Reason {
    const name = metricName(statsdName, type === 'counter')
    const isNameless = name === '' || name === 'total'
    // The label that Prometheus itself puts on a histogram's buckets.
    const isBucket = type === 'histogram' && 'le' in tags
    if (isNameless || isBucket) return 'malformed'
    const labels = toLabels(tags)
    const there = families.get(name)?.series
    const isFull = seriesCount >= limits.series || (there?.size ?? 0) >= limits.seriesPerName
    if (isFull && !there?.has(labels)) return 'overflow'
    const family = findFamily(name, type, help)
    if (!family) return 'conflict'
    const series = family.series.get(labels) ?? createSeries(type)
    if (!family.series.has(labels)) seriesCount++
    family.series.set(labels, series)
    return series
  }

  /** The same series under the text it was asked by, so that a line is taken apart into labels once. */
  function recall(key: string, find: () => Series | Reason): Series | Reason {
    const series = known.get(key) ?? find()
    if (typeof series === 'string') return series
    // Tags in every possible order are as many keys for one series.
    if (known.size >= limits.series * 2) known.clear()
    known.set(key, series)
    return series
  }

  function addOwn(name: string, type: StatsdType, value: number, tags: Tags): void {
    const key = `${type} ${name} ${JSON.stringify(tags)}`
    const series = recall(key, () => findSeries(name, type, tags, 'Counted by lens itself.'))
    if (typeof series !== 'string') series.add(value, '', 1)
  }

  return {
    take(text) {
      const line = readLine(text)
      if (line === 'ignored') return
      if (!line) return refused.malformed()
      const { type, name, tags, rate } = line
      const series = recall(line.key, () =>
        findSeries(name, type, readTags(tags), `StatsD ${type} ${name}`),
      )
      if (typeof series === 'string') return refused[series]()
      for (const sent of line.values) {
        const value = type === 'set' ? 0 : readNumber(sent)
        if (value !== undefined && series.add(value, sent, rate)) received()
        else refused.malformed()
      }
    },
    reject: refused.malformed,
    count: (name, value = 1, tags = {}) => addOwn(name, 'counter', value, tags),
    gauge: (name, value, tags = {}) => addOwn(name, 'gauge', value, tags),
    families: () => [...families.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

/** Labels as they stand between braces, sorted, so that the order of tags does not matter. */
function toLabels(tags: Tags): string {
  const labels = new Map(Object.entries(tags).map(([key, value]) => [labelName(key), value]))
  return [...labels]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}="${escapeLabel(value)}"`)
    .join(',')
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
