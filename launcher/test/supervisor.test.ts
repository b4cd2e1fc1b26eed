import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readStart } from '../identity.ts'
import type { Context } from '../processes.ts'
import { createPart } from '../supervisor.ts'

let state: string

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'clew supervisor '))
  await mkdir(join(state, 'logs'))
  await mkdir(join(state, 'run'))
})
afterEach(() => rm(state, { recursive: true }))

function sleeper(ready: () => Promise<boolean>) {
  const command = () => [process.execPath, '-e', 'setTimeout(() => {}, 60_000)']
  const row = { name: 'sleeper', needs: [], command, ready: () => ready }
  return createPart(row, { state, root: state } as Context, {}, () => {})
}

it('a process that cannot be written down is not left running', async () => {
  await mkdir(join(state, 'run', 'sleeper.pid'))
  const part = sleeper(async () => true)
  await expect(part.start()).rejects.toThrow('EISDIR')
  expect(part.status().state).toBe('failed')
  expect(await readStart(part.status().pid ?? 0)).toBeUndefined()
})

it('nor is one whose readiness cannot be told', async () => {
  const part = sleeper(() => Promise.reject(new Error('no probe')))
  await expect(part.start()).rejects.toThrow('no probe')
  expect(await readStart(part.status().pid ?? 0)).toBeUndefined()
})

it('a part says since when it is what it is', async () => {
  const part = sleeper(async () => true)
  const before = Date.now()
  await part.start()
  expect(part.status()).toMatchObject({ state: 'ready' })
  expect(part.status().since).toBeGreaterThanOrEqual(before)
  await part.stop()
  expect(await readStart(part.status().pid ?? 0)).toBeUndefined()
})
