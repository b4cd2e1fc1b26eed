import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/**
 * Vitest's global set-up for the service tests: brings up Postgres and Redis, and ends them.
 * `CLEW_TEST_PLATFORM` (a ServicePlatform as JSON) names others to use instead.
 */
export async function setup(): Promise<() => Promise<void>> {
  if (process.env.CLEW_TEST_PLATFORM) return async () => {}
  const main = join(import.meta.dirname, 'service-platform.ts')
  const platform = spawn(process.execPath, [main], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(platform, 'exit')
  const [line] = await Promise.race([
    once(createInterface(platform.stdout), 'line'),
    ended.then(() => [undefined]),
  ])
  if (!line) throw new Error('Postgres and Redis for the tests did not start')
  // Test files run in processes of their own, which inherit this.
  process.env.CLEW_TEST_PLATFORM = line
  return async () => {
    delete process.env.CLEW_TEST_PLATFORM
    platform.stdin.end()
    await ended
  }
}
