import type { Bus } from '@clew/kit/bus'
import type { Logger } from '@clew/kit/log'
import type { Cache } from './cache.ts'
import type { Events } from './events.ts'
import { type NewProfile, registered } from './schemas.ts'
import type { Profile, Store } from './store.ts'

/** Gives nothing when the person has a profile already. */
export type CreateProfile = (
  person: NewProfile,
  by: 'call' | 'event',
) => Promise<Profile | undefined>

/** Gives a new person a profile, once, whether auth's call or its event comes first. */
export function createRegistration(store: Store, cache: Cache, events: Events): CreateProfile {
  return async (person, by) => {
    const profile = await store.createProfile(person)
    if (!profile) return undefined
    // Somebody may have asked before there was one, and the cache remembers that there was none.
    await cache.dropProfile(person.user_id)
    events.profileCreated(person.user_id, by)
    return profile
  }
}

/**
 * Makes the profile of everybody who registered while this service could not be called.
 * A child of the registration's trace: making the profile is the rest of that request's work.
 */
export function followRegistrations(bus: Bus, createProfile: CreateProfile, log: Logger) {
  return bus.consume({
    stream: 'events:auth',
    group: 'profile',
    log,
    handlers: {
      'user.registered': {
        relation: 'child',
        handle: async (payload: unknown) => {
          await createProfile(registered.parse(payload), 'event')
        },
      },
    },
  })
}
