import { LRUCache } from 'lru-cache'
import type { DirectStore } from './store/directs.ts'

export type Directs = ReturnType<typeof createDirects>

const remembered = 100_000

/** Finds the direct conversation of two people. It never ends, so each is looked up once. */
export function createDirects(store: DirectStore) {
  const known = new LRUCache<string, string>({ max: remembered })
  const keyOf = (me: string, other: string) => `${me}:${other}`

  return {
    /** Undefined while neither has written to the other. */
    async find(me: string, other: string): Promise<string | undefined> {
      const id = known.get(keyOf(me, other)) ?? (await store.find(me, other))
      if (id) known.set(keyOf(me, other), id)
      return id
    },
    /** One was begun just now. */
    remember(me: string, other: string, id: string): void {
      known.set(keyOf(me, other), id)
    },
  }
}
