import type { Client } from '@clew/kit/client'
import { LRUCache } from 'lru-cache'

export type People = ReturnType<typeof createPeople>

const remembered = 100_000

/**
 * Who exists. Profile knows; whoever was found is remembered, since people do not cease to exist.
 * Throws Problem 503 while somebody new is named and profile cannot tell.
 */
export function createPeople(profile: Client) {
  const known = new LRUCache<string, true>({ max: remembered })

  return {
    /** Those of `ids` that nobody has. */
    async findUnknown(ids: string[]): Promise<string[]> {
      const asked = ids.filter((id) => !known.has(id))
      if (asked.length === 0) return []
      const { body } = await profile.request<{ ids: string[] }>({
        method: 'POST',
        template: '/internal/users/known',
        body: { ids: asked },
        idempotent: true,
      })
      for (const id of body.ids) known.set(id, true)
      return asked.filter((id) => !known.has(id))
    },
  }
}
