import type { Metrics } from '@clew/telemetry/statsd'

/** Metrics that are kept instead of sent. */
export function createCounted() {
  const sums = new Map<string, number>()
  const metrics: Metrics = {
    count(name, { cache } = {}, by = 1) {
      const key = `${name} ${cache}`
      sums.set(key, (sums.get(key) ?? 0) + by)
    },
    timing() {},
    async [Symbol.asyncDispose]() {},
  }
  return {
    metrics,
    /** How often a cache had it and had not, since this was asked last. */
    take(cache: string): [number, number] {
      const [hit, miss] = [`cache.hit ${cache}`, `cache.miss ${cache}`]
      const taken: [number, number] = [sums.get(hit) ?? 0, sums.get(miss) ?? 0]
      sums.delete(hit)
      sums.delete(miss)
      return taken
    },
  }
}
