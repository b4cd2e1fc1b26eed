import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { showProgress } from '../console.ts'
import { type Platform, root, startPlatform } from '../platform.ts'
import { rows } from '../processes.ts'
import { runProgram } from '../program.ts'
import { Refusal } from '../refusal.ts'
import { hearSignals } from '../signals.ts'
import { testPortOffset, testSettings } from '../test-settings.ts'

type Counts = { passed: number; failed: number }
type Report = {
  numPassedTests: number
  numFailedTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}

const state = join(root, '.clew', 'test')
const report = join(root, '.clew', 'test-report.json')

/**
 * Runs the tests against a platform of their own, and ends with one line: `N passed, N failed`.
 * The arguments are Vitest's. Unit tests alone need no platform.
 */
export async function test(args: string[]): Promise<number> {
  const stopping = new AbortController()
  // Vitest hears Ctrl-C by itself and cleans up; we wait for it.
  hearSignals(
    () => stopping.abort(),
    () => process.exit(1),
  )
  await rm(report, { force: true })
  const running = needsPlatform(args) ? runOnPlatform(args, stopping.signal) : runVitest(args)
  const exitCode = await running.catch((thrown) => {
    if (!(thrown instanceof Refusal)) throw thrown
    process.stderr.write(`${thrown.message}\n`)
    return 1
  })
  const { passed, failed } = await readCounts(exitCode)
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  return exitCode
}

async function runOnPlatform(args: string[], signal: AbortSignal): Promise<number> {
  const progress = showProgress(rows.map(({ name }) => name))
  const general = { fresh: true, signal }
  const whole = {
    ...general,
    portOffset: testPortOffset,
    state,
    env: testSettings,
    tell: progress.tell,
  }
  const bare = {
    ...general,
    portOffset: testPortOffset + 300,
    state: `${state}-stores`,
    only: ['postgres', 'redis'],
  }
  await using owned = new AsyncDisposableStack()
  const platform = owned.use(await startPlatform(whole).finally(progress.end))
  const stores = owned.use(await startPlatform(bare))
  const env = { CLEW_TEST_PLATFORM: JSON.stringify(address(platform, stores)) }
  return await runVitest(args, env)
}

/**
 * What tests learn: of the platform, and where Postgres and Redis are for tests of a single service.
 * Those copy databases and stop connections, so they get a Postgres and a Redis that nobody else uses.
 */
function address({ ports, urls, env, state, control }: Platform, stores: Platform) {
  const { postgres, redis } = stores.urls
  return { ports, urls, env, state, control, postgres, redis, passwords: stores.passwords }
}

function runVitest(args: string[], env: Record<string, string> = {}): Promise<number> {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  return runProgram('vitest', ['run', ...reporters, ...args], env)
}

function needsPlatform(args: string[]): boolean {
  const projects = args.flatMap((arg, index) => {
    if (arg === '--project') return args[index + 1] ?? []
    return arg.startsWith('--project=') ? arg.slice('--project='.length) : []
  })
  return projects.length === 0 || projects.some((project) => project !== 'unit')
}

/** Vitest counts tests; a file that could not even be read is one more failure. */
async function readCounts(exitCode: number): Promise<Counts> {
  const text = await readFile(report, 'utf8').catch(() => undefined)
  if (!text) return { passed: 0, failed: exitCode === 0 ? 0 : 1 }
  const { numPassedTests, numFailedTests, testResults }: Report = JSON.parse(text)
  const unread = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  const failed = numFailedTests + unread.length
  return { passed: numPassedTests, failed: Math.max(failed, exitCode === 0 ? 0 : 1) }
}
