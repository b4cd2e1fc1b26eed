import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { showProgress } from '../console.ts'
import { root } from '../platform.ts'
import { rows } from '../processes.ts'
import { runProgram } from '../program.ts'
import { Refusal } from '../refusal.ts'
import { hearSignals } from '../signals.ts'
import type { State } from '../supervisor.ts'
import { findTools } from '../tools.ts'

type Counts = { passed: number; failed: number }
type Report = {
  numPassedTests: number
  numFailedTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}

const report = join(root, '.clew', 'test-report.json')

/**
 * Runs the tests, and ends with one line: `N passed, N failed`. The arguments are Vitest's. Tests
 * that need a platform start a private one on other ports, from Vitest's set-up; what can take long
 * in that is done here first, where its progress is seen.
 */
export async function test(args: string[]): Promise<number> {
  // Vitest hears Ctrl-C by itself and cleans up; we wait for it.
  hearSignals(
    () => undefined,
    () => process.exit(1),
  )
  await rm(report, { force: true })
  const exitCode = await run(args).catch((thrown) => {
    if (!(thrown instanceof Refusal)) throw thrown
    process.stderr.write(`${thrown.message}\n`)
    return 1
  })
  const { passed, failed } = await readCounts(exitCode)
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  return exitCode
}

async function run(args: string[]): Promise<number> {
  if (needsPlatform(args)) await provideTools()
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  return runProgram('vitest', ['run', ...reporters, ...args])
}

async function provideTools(): Promise<void> {
  const progress = showProgress([])
  const tell = (state: State, detail = '') => progress.tell({ name: 'tools', state, detail })
  tell('starting')
  await findTools(
    rows.flatMap(({ tool }) => tool ?? []),
    (detail) => tell('starting', detail),
  )
  tell('done')
  await progress.end()
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
