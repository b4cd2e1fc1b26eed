import type { Counters } from './counters.ts'

const everyMs = 1_000

/** Shows lens' own numbers, those of `/stats`, to Prometheus as `clew_lens_stats_…`. */
export function publishCounters(
  counters: Counters,
  metrics: { gauge(name: string, value: number): void },
): Disposable {
  const publish = () => {
    for (const [name, value] of Object.entries(counters.read())) {
      const words = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      metrics.gauge(`clew_lens_stats_${words}`, value)
    }
  }
  publish()
  const timer = setInterval(publish, everyMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
