import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { root, startPlatform } from '@clew/launcher/platform'
import { oidcPort, platformVariable, type TestPlatform } from './platform.ts'

const portOffset = 10_000
const state = join('.clew', 'test')

let running: Promise<AsyncDisposable> | undefined
let users = 0

/**
 * Vitest's global set-up for everything that goes through the gateway: one platform for the whole
 * run, empty at first, on ports of its own. Several projects share it; the last to end stops it.
 * With `CLEW_TEST_WHOLE_PLATFORM` set from outside, that one is used and left running.
 */
export async function setup(): Promise<() => Promise<void>> {
  if (!running && process.env[platformVariable]) return async () => {}
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
  await rm(join(root, state), { recursive: true, force: true })
  const platform = await startPlatform({ portOffset, state, env: signInWithIssuer() })
  const { ports, urls, env, control } = platform
  const told: TestPlatform = { ports, urls, env, control, state: platform.state }
  process.env[platformVariable] = JSON.stringify(told)
  return platform
}

/** Sign-in with another provider, which a journey starts when it gets there. */
function signInWithIssuer(): Record<string, string> {
  return {
    AUTH_OIDC_ISSUER: `http://127.0.0.1:${oidcPort(portOffset)}`,
    AUTH_OIDC_CLIENT_ID: 'clew',
    AUTH_OIDC_CLIENT_SECRET: 'a-secret-of-the-tests',
  }
}
