import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Platform, startPlatform, type TelemetryMode } from '@clew/launcher/platform'
import { queryDatabase } from './database.ts'
import { type Driver, startDriver } from './driver.ts'
import { environment, type User } from './feed-world.ts'
import type { Uploaded, Uploads } from './media-driver.ts'
import { moveIn } from './residents.ts'

/** A platform of one telemetry mode, 400 people who are logged in, and who uploads for them. */
export type MediaWorld = AsyncDisposable & {
  mode: TelemetryMode
  platform: Platform
  users: User[]
  driver: Driver
}

export async function startMediaWorld(
  mode: TelemetryMode,
  portOffset: number,
): Promise<MediaWorld> {
  await using stack = new AsyncDisposableStack()
  const state = `.clew/bench/media-${mode}`
  const platform = stack.use(
    await startPlatform({ telemetry: mode, portOffset, state, fresh: true, env: environment }),
  )
  // It is of some gigabytes by then.
  stack.defer(() => rm(join(platform.state, 'data', 'media'), { recursive: true, force: true }))
  const users = await moveIn(platform, 400, 8_000)
  const driver = stack.use(startDriver('media-driver.ts'))
  const owned = stack.move()
  return { mode, platform, users, driver, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/**
 * Each of these people uploads the driver's file once: the same bytes of one person would be known.
 * @returns how long each upload took, in milliseconds
 */
export async function upload(
  { platform, driver }: Pick<MediaWorld, 'platform' | 'driver'>,
  users: User[],
  atOnce: number,
): Promise<Uploaded> {
  return driver.ask<Uploaded>('upload', {
    origin: platform.urls.gateway,
    method: 'POST',
    path: '/api/media',
    tokens: users.map(({ token }) => token),
    atOnce,
  } satisfies Uploads)
}

/** How many images have been stored whose variants are not made yet. */
export async function countUnmade(platform: Platform): Promise<number> {
  const sql = `select count(*)::integer from media where status = 'processing'`
  const [row] = (await queryDatabase(platform, 'media', sql)) as { count: number }[]
  return row?.count ?? Number.NaN
}

/** Waits until every variant is made. @throws Error when none is made for a minute */
export async function untilMade(platform: Platform): Promise<void> {
  let last = Number.POSITIVE_INFINITY
  let since = performance.now()
  for (;;) {
    const unmade = await countUnmade(platform)
    if (unmade === 0) return
    if (unmade < last) [last, since] = [unmade, performance.now()]
    if (performance.now() - since > 60_000) throw new Error(`${unmade} images stay unmade`)
    await sleep(200)
  }
}
