import { expect, it } from 'vitest'
import { ask } from '../answer.ts'
import { resident } from '../person.ts'
import { readPlatform } from '../platform.ts'

it('Prometheus knows which share of the reads each cache could answer', async () => {
  const ada = await resident()
  expect((await ada.write()).status).toBe(201)
  // A rate needs counters that grow between two looks at them, five seconds apart.
  const read = async () => {
    await Promise.all([ada.timeline(), ada.get(`/api/users/${ada.id}`)])
    return readHitRatios()
  }
  await expect
    .poll(read, { timeout: 25_000, interval: 1_000 })
    .toMatchObject({ 'feed timeline': expect.any(Number), 'profile profile': expect.any(Number) })
  for (const ratio of Object.values(await readHitRatios())) {
    expect(ratio).toBeGreaterThanOrEqual(0)
    expect(ratio).toBeLessThanOrEqual(1)
  }
})

/** By service and cache. */
async function readHitRatios(): Promise<Record<string, number>> {
  const query = 'service_cache:cache_hits:ratio_rate5m'
  const { body } = await ask(`${readPlatform().urls.prometheus}/api/v1/query?query=${query}`)
  type Sample = { metric: { service: string; cache: string }; value: [number, string] }
  const samples: Sample[] = body.data.result
  return Object.fromEntries(
    samples.map(({ metric, value }) => [`${metric.service} ${metric.cache}`, Number(value[1])]),
  )
}
