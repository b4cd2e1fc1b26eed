import { eventually } from '@clew/kit/test/eventually'
import { createClient } from 'redis'
import type { Service } from './service.ts'

type Fact = [type: string, payload: { post_id: string; shared_post_id?: string }]

/** The facts about a post and its shares, oldest first, once there are this many. */
export async function readFacts(service: Service, postId: string, atLeast: number) {
  const redis = createClient({ url: service.redisUrl })
  await redis.connect()
  try {
    return await eventually(async () => {
      const entries = await redis.xRange('events:feed', '-', '+')
      const facts = (entries ?? [])
        .map(({ message }): Fact => [`${message.type}`, JSON.parse(`${message.payload}`)])
        .filter(([, fact]) => [fact.post_id, fact.shared_post_id].includes(postId))
      return facts.length >= atLeast && facts
    })
  } finally {
    redis.destroy()
  }
}
