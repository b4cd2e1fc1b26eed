import { eventually } from '@clew/kit/test/eventually'
import { createClient } from 'redis'
import type { Service } from './service.ts'

type Fact = [type: string, payload: { conversation_id: string }]

/** The facts about a conversation, oldest first, once there are this many. */
export async function readFacts(service: Service, conversationId: string, atLeast: number) {
  const redis = createClient({ url: service.redisUrl })
  await redis.connect()
  try {
    return await eventually(async () => {
      const entries = await redis.xRange('events:messaging', '-', '+')
      const facts = (entries ?? [])
        .map(({ message }): Fact => [`${message.type}`, JSON.parse(`${message.payload}`)])
        .filter(([, fact]) => fact.conversation_id === conversationId)
      return facts.length >= atLeast && facts
    })
  } finally {
    redis.destroy()
  }
}
