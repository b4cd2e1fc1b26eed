import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from '@clew/kit/test/eventually'
import { cacheFolder } from '@clew/launcher/tools'
import { findPort } from '@clew/tests/one-service'

const source = 'github.com/versity/versitygw/cmd/versitygw'
const version = 'v1.8.0'
const buildMs = 300_000
const [accessKey, secretKey] = ['clew', 'clew-secret']

const run = promisify(execFile)

/** How long the first test run on a machine may take until there is a server. */
export const s3Ms = buildMs + 30_000

/**
 * The S3 server to test against: the one on PATH, or built from the Go modules once and kept with
 * the other tools. Undefined where neither can be had, said on stderr; an error where `CI` is set,
 * so that these tests are never left out unseen there.
 */
export async function findS3Server(): Promise<string | undefined> {
  if (await answers('versitygw')) return 'versitygw'
  const folder = join(cacheFolder(), `versitygw-${version}-${process.platform}-${process.arch}`)
  const file = join(folder, 'versitygw')
  if (await answers(file)) return file
  try {
    await build(folder)
    return file
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    const reason = (stderr || message).trim().split('\n').at(-1)
    const words = `versitygw is not on PATH and could not be built with Go: ${reason}`
    if (process.env.CI) throw new Error(words)
    process.stderr.write(`Tests over S3 are skipped: ${words}\n`)
    return undefined
  }
}

async function answers(file: string): Promise<boolean> {
  return run(file, ['--version']).then(
    () => true,
    () => false,
  )
}

/** It appears under its final name only when whole, so that two test runs may do this at once. */
async function build(folder: string): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true })
  const workplace = await mkdtemp(join(cacheFolder(), 'build-'))
  try {
    const env = { ...process.env, GOBIN: workplace, GOFLAGS: '-p=1' }
    await run('go', ['install', `${source}@${version}`], { env, timeout: buildMs })
    await rename(workplace, folder).catch((error) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(workplace, { recursive: true, force: true })
  }
}

/** A server over a temporary folder, on a free port. */
export async function startS3Server(file: string) {
  const folder = await mkdtemp(join(tmpdir(), 'clew-s3-'))
  const port = await findPort()
  let child = start()
  await ready()

  function start(): ChildProcess {
    const where = ['--port', `127.0.0.1:${port}`, '--quiet', '--health', '/health']
    return spawn(file, [...where, 'posix', folder], {
      stdio: 'ignore',
      env: { ...process.env, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    })
  }
  async function ready(): Promise<void> {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error('the S3 server ended')
      return (await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined))?.ok
    })
  }
  async function end() {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return {
    port,
    /** Where it keeps its buckets, as folders of files. */
    folder,
    accessKey,
    secretKey,
    stop: end,
    async start() {
      child = start()
      await ready()
    },
    async [Symbol.asyncDispose]() {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
