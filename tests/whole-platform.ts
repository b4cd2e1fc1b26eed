import { startPlatform } from '@clew/launcher/platform'
import { testEnvironment } from '@clew/launcher/test-environment'
import { platformVariable, type TestPlatform } from './platform.ts'

const portOffset = 10_000
const state = '.clew/test'

let running: Promise<AsyncDisposable> | undefined
let users = 0

/**
 * Vitest's global set-up for everything that goes through the gateway: one platform for the whole
 * run, empty at first, on ports of its own. Several projects share it; the last to end stops it.
 * `npm test` has started one already and names it in `CLEW_TEST_PLATFORM`.
 */
export async function setup(): Promise<() => Promise<void>> {
  const given = process.env.CLEW_TEST_PLATFORM
  if (given && 'control' in JSON.parse(given)) {
    process.env[platformVariable] = given
    return async () => {}
  }
  running ??= start()
  users++
  await running
  return async () => {
    if (--users > 0) return
    delete process.env[platformVariable]
    await (await running)?.[Symbol.asyncDispose]()
  }
}

async function start(): Promise<AsyncDisposable> {
  const platform = await startPlatform({ portOffset, state, fresh: true, env: testEnvironment })
  const { ports, urls, env, control } = platform
  const told: TestPlatform = { ports, urls, env, control, state: platform.state }
  process.env[platformVariable] = JSON.stringify(told)
  return platform
}
