import { type Platform, startPlatform, type TelemetryMode } from '@clew/launcher/platform'
import { type Driver, startDriver } from './driver.ts'
import { environment, type User } from './feed-world.ts'
import { inspectable } from './garbage.ts'
import { moveIn } from './residents.ts'

/** The two processes of messaging. */
export const instances = ['messaging-1', 'messaging-2']

/** A platform of one telemetry mode, a thousand people who are logged in, and who speaks for them. */
export type MessagingWorld = AsyncDisposable & {
  mode: TelemetryMode
  platform: Platform
  users: User[]
  driver: Driver
}

const people = 1_000

export async function startMessagingWorld(
  mode: TelemetryMode,
  portOffset: number,
): Promise<MessagingWorld> {
  await using stack = new AsyncDisposableStack()
  const platform = stack.use(
    await startPlatform({
      telemetry: mode,
      portOffset,
      state: `.clew/bench/messaging-${mode}`,
      fresh: true,
      // And what it needs: what makes variants, or collects metrics, only takes time from the rest.
      only: ['nginx'],
      env: { ...environment, ...inspectable },
    }),
  )
  const users = await moveIn(platform, people)
  const driver = stack.use(startDriver('messaging-driver.ts'))
  const owned = stack.move()
  return { mode, platform, users, driver, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
