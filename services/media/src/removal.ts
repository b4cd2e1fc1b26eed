import type { Logger } from '@clew/kit/log'
import { keyOf, keysOf } from './media.ts'
import type { Storage } from './storage.ts'
import type { Store } from './store.ts'

export type Removal = ReturnType<typeof createRemoval>

/**
 * First the row says what is to be removed, then bytes go, then the row: whatever fails, the sweeper
 * finds the rest. None of these functions throws.
 */
export function createRemoval(
  storage: Storage,
  store: Pick<Store, 'forget' | 'giveUp'>,
  log: Logger,
) {
  async function orLeave(id: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      log.warn({ err: error, media: id }, 'media is left to the sweeper')
    }
  }
  async function removeKeys(id: string, keys: string[]): Promise<void> {
    for (const key of keys) await storage.remove(key)
    await store.forget(id)
  }
  return {
    /** Everything of media that is `deleting`. */
    remove: (id: string) => orLeave(id, () => removeKeys(id, keysOf(id))),

    /** An upload that failed, unless it became a media after all. */
    giveUp: (id: string) =>
      orLeave(id, async () => {
        if (await store.giveUp(id)) await removeKeys(id, [keyOf(id, 'original')])
      }),

    /**
     * An upload that failed in the storage: bytes may yet arrive there, or come back with it, so the
     * sweeper removes them some time later.
     */
    leave: (id: string) => orLeave(id, async () => void (await store.giveUp(id))),
  }
}
