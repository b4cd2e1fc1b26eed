import type { Logger } from '@clew/kit/log'
import { keysOf } from './media.ts'
import type { Storage } from './storage.ts'
import type { Store } from './store.ts'

export type Removal = ReturnType<typeof createRemoval>

/** Bytes go before their row, so that bytes without a row are never left, whatever fails. */
export function createRemoval(storage: Storage, store: Pick<Store, 'forget'>, log: Logger) {
  async function removeKeys(id: string, keys: string[]): Promise<void> {
    try {
      for (const key of keys) await storage.remove(key)
      await store.forget(id)
    } catch (error) {
      // The row stays, and with it the sweeper's knowledge of what is to be removed.
      log.warn({ err: error, media: id }, 'media is left to the sweeper')
    }
  }
  return {
    /** Everything of media that is `deleting` or an upload that failed. Never throws. */
    remove: (id: string) => removeKeys(id, keysOf(id)),
    /** An upload of which storage holds nothing, or its original at most. Never throws. */
    giveUp: (id: string, stored: string[]) => removeKeys(id, stored),
  }
}
