import { expect, test } from 'vitest'
import { toText } from './exposition.ts'
import { createRegistry } from './registry.ts'

/** The exposed lines of what was sent, without lens's own. */
function exposed(lines: string[], limits?: { seriesPerName: number; series: number }): string[] {
  const registry = createRegistry(limits)
  for (const line of lines) registry.take(line)
  return toText(registry.families())
    .split('\n')
    .filter((line) => line && !line.includes('clew_lens_statsd'))
}

function own(lines: string[], limits?: { seriesPerName: number; series: number }) {
  const registry = createRegistry(limits)
  for (const line of lines) registry.take(line)
  const text = toText(registry.families())
  const read = (name: string) =>
    Number(new RegExp(`^clew_lens_statsd_${name}_total (.*)$`, 'm').exec(text)?.[1])
  return {
    received: read('received'),
    rejected: read('rejected'),
    conflicts: read('conflicts'),
    overflow: read('overflow'),
  }
}

test('counters add up, whatever the order of tags, and sample rates are multiplied back', () => {
  const lines = ['a.b:1|c|#x:1,y:2', 'a.b:2|c|#y:2,x:1', 'a.b:3|c|@0.1|#x:1,y:2', 'a.b:1|c']
  expect(exposed(lines)).toEqual([
    '# HELP a_b_total StatsD counter a.b',
    '# TYPE a_b_total counter',
    'a_b_total 1',
    'a_b_total{x="1",y="2"} 33',
  ])
})

test('gauges are set, and changed by what has a sign', () => {
  expect(exposed(['pool:5|g', 'pool:+3|g', 'pool:-10|g'])).toContain('pool -2')
  expect(exposed(['pool:-1|g'])).toContain('pool -1')
})

test('timings, histograms and distributions are histograms of the values as sent', () => {
  const lines = exposed(['t:4|ms', 't:150|ms', 't:20000|h|@0.5', 't:200|d'])
  expect(lines).toContain('# TYPE t histogram')
  expect(lines).toContain('t_bucket{le="2"} 0')
  expect(lines).toContain('t_bucket{le="5"} 1')
  expect(lines).toContain('t_bucket{le="200"} 3')
  expect(lines).toContain('t_bucket{le="10000"} 3')
  expect(lines).toContain('t_bucket{le="+Inf"} 5')
  expect(lines).toContain('t_sum 40354')
  expect(lines).toContain('t_count 5')
})

test('sets count different values', () => {
  const lines = exposed(['u:a|s', 'u:b|s', 'u:a|s'])
  expect(lines).toContain('# TYPE u gauge')
  expect(lines).toContain('u 2')
})

test('several values in one line are as many samples', () => {
  expect(exposed(['n:1:2:3|c'])).toContain('n_total 6')
})

test('label values are escaped', () => {
  expect(exposed(['n:1|c|#k:a"b\\c'])).toContain('n_total{k="a\\"b\\\\c"} 1')
})

test('fields of later protocol versions are stepped over', () => {
  expect(own(['n:1|c|T1656581400|c:83c0a99c|e:it-false|card:low'])).toMatchObject({ received: 1 })
})

test('events and service checks are passed over', () => {
  const lines = ['_e{5,4}:title|text|#a:b', '_sc|db|0|m:fine']
  expect(own(lines)).toMatchObject({ received: 0, rejected: 0 })
})

test.each([
  'nonsense',
  ':1|c',
  'n:|c',
  'n:1',
  'n:1|',
  'n:1|q',
  'n:1|constructor',
  'n:one|c',
  'n:NaN|g',
  'n:Infinity|g',
  'n:1e999|g',
  'n:0x10|c',
  'n:--5|g',
  'n:-1|c',
  'n:1|c|@0',
  'n:1|c|@2',
  'n:1|c|@x',
  'n:1|c|garbage',
  '....:1|g',
  'n:1|ms|#le:5',
  `${'n'.repeat(5_000)}:1|c`,
  '\u0000:1|c',
])('rejects %j and goes on', (line) => {
  expect(own([line, 'good:1|c'])).toMatchObject({ received: 1, rejected: 1 })
})

test('a name keeps the type it had first, also where only the lines of a histogram collide', () => {
  const lines = ['n:1|g', 'n:1|ms', 'h:1|ms', 'h.count:1|g', 'x.sum:1|g', 'x:1|h']
  expect(own(lines)).toMatchObject({ received: 3, conflicts: 3 })
  expect(exposed(lines).filter((line) => line.startsWith('# TYPE'))).toEqual([
    '# TYPE h histogram',
    '# TYPE n gauge',
    '# TYPE x_sum gauge',
  ])
})

test('series are bounded by name and in all, and those that are there go on', () => {
  const limits = { seriesPerName: 3, series: 5 }
  const lines = Array.from({ length: 10 }, (_, i) => `n:1|c|#id:${i}`)
  const others = Array.from({ length: 10 }, (_, i) => `m${i}:1|c`)
  expect(own([...lines, ...others, 'n:1|c|#id:0'], limits)).toMatchObject({
    received: 6,
    overflow: 15,
  })
  expect(exposed([...lines, 'n:1|c|#id:0'], limits)).toContain('n_total{id="0"} 2')
})

test('what lens counts of itself stands beside what it was sent', () => {
  const registry = createRegistry()
  registry.count('clew.lens.spans.stored', 512)
  registry.count('clew.lens.spans.stored')
  registry.gauge('clew.lens.lag', -3, { part: 'writer' })
  const text = toText(registry.families())
  expect(text).toContain('clew_lens_spans_stored_total 513\n')
  expect(text).toContain('clew_lens_lag{part="writer"} -3\n')
})
