import { startPlatform } from '@clew/launcher/platform'
import { testPortOffset, testSettings } from '@clew/launcher/test-settings'
import { platformVariable, type TestPlatform } from './platform.ts'

const state = '.clew/test'

// Vitest loads this file anew for each project; what they share must stand outside of it.
type Shared = { running?: Promise<AsyncDisposable>; users: number }
const key = Symbol.for('clew.test.platform')
const everywhere = globalThis as unknown as Record<symbol, Shared | undefined>
const shared: Shared = everywhere[key] ?? { users: 0 }
everywhere[key] = shared

/**
 * Vitest's global set-up for everything that goes through the gateway: one platform for the whole
 * run, empty at first, on ports of its own. Several projects share it; the last to end stops it.
 * With `CLEW_TEST_PLATFORM` set (a TestPlatform as JSON) that one is used, and left running.
 */
export async function setup(): Promise<() => Promise<void>> {
  const given = process.env.CLEW_TEST_PLATFORM
  if (given && 'control' in JSON.parse(given)) {
    process.env[platformVariable] = given
    return async () => {}
  }
  shared.running ??= start()
  shared.users++
  const platform = await shared.running
  return async () => {
    if (--shared.users > 0) return
    delete process.env[platformVariable]
    delete shared.running
    await platform[Symbol.asyncDispose]()
  }
}

async function start(): Promise<AsyncDisposable> {
  const platform = await startPlatform({
    portOffset: testPortOffset,
    state,
    fresh: true,
    env: testSettings,
  })
  const { ports, urls, control } = platform
  const told: TestPlatform = { ports, urls, env: platform.env, control, state: platform.state }
  process.env[platformVariable] = JSON.stringify(told)
  return platform
}
