import { openRedis, type Redis } from '@clew/kit/redis'
import { createStatsD } from '@clew/telemetry/statsd'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFollowing } from '../src/following.ts'

// Without Redis nobody hears of follows: what profile says is all there is.
const stack = new AsyncDisposableStack()
const metrics = stack.use(createStatsD('feed_service'))
let away: Redis

beforeAll(async () => {
  away = stack.use(await openRedis('redis://127.0.0.1:1'))
})
afterAll(() => stack.disposeAsync())

/** Profile, each answer given by the test. */
function startProfile() {
  const answers: PromiseWithResolvers<string[]>[] = []
  return {
    answers,
    findFollowing() {
      const answer = Promise.withResolvers<string[]>()
      answers.push(answer)
      return answer.promise
    },
    findFollowers: async () => ({ follower_count: 0, ids: '', next: null }),
  }
}

test('while Redis is away, who asks after a follow is not told what was before it', async () => {
  const profile = startProfile()
  const following = createFollowing(away, profile, metrics)
  const [reader, old, added] = [uuid(), uuid(), uuid()]
  const before = following.read(reader)
  await expect.poll(() => profile.answers.length).toBe(1)
  const after = following.read(reader)
  await expect.poll(() => profile.answers.length).toBe(2)
  profile.answers[0]?.resolve([old])
  profile.answers[1]?.resolve([old, added])
  expect((await before).ids).toEqual([old])
  expect((await after).ids).toEqual([old, added])
})

test('while Redis is away, those who ask at once share one answer', async () => {
  const profile = startProfile()
  const following = createFollowing(away, profile, metrics)
  const reader = uuid()
  const asked = [following.read(reader), following.read(reader), following.read(reader)]
  await expect.poll(() => profile.answers.length).toBe(1)
  profile.answers[0]?.resolve([])
  expect(await Promise.all(asked)).toEqual(Array(3).fill({ ids: [], hit: false }))
  expect(profile.answers).toHaveLength(1)
})
