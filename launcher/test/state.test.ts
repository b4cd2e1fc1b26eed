import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { makeFirstRequest } from '../first-request.ts'
import { portBlock } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { claimState, explainTakenPort, readPassword, removeState } from '../state.ts'

const ports = portBlock(0)
let folder: string
let state: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew state '))
  state = join(folder, 'state')
  await mkdir(join(state, 'run'), { recursive: true })
  await mkdir(join(state, 'keys'))
  vi.stubEnv('XDG_CACHE_HOME', folder)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

it('one of many gets the claim that a dead launcher left', async () => {
  for (let round = 0; round < 20; round++) {
    const dead = JSON.stringify({ pid: 4_194_303, start: '1@gone' })
    await writeFile(join(state, 'run', 'launcher.pid'), dead)
    const claims: AsyncDisposable[] = []
    const refusals: Error[] = []
    const ask = () =>
      claimState(state, ports).then(
        (claim) => claims.push(claim),
        (error) => refusals.push(error),
      )
    // Not in step, so that some look while others take.
    await Promise.all([0, 0, 1, 2, 3].map((ms) => sleep(ms).then(ask)))
    expect([claims.length, refusals.length]).toEqual([1, 4])
    for (const { message } of refusals) expect(message).toContain(`runs in ${state} (process`)
    for (const claim of claims) await claim[Symbol.asyncDispose]()
  }
})

it('a claim is one’s own until it is given back', async () => {
  const claim = await claimState(state, ports)
  await expect(claimState(state, ports)).rejects.toThrow(`A Clew already runs in ${state} (process`)
  await claim[Symbol.asyncDispose]()
  await using _ = await claimState(state, ports)
})

it('a note that another launcher could not finish hides nothing', async () => {
  await using _ = await claimState(state, ports)
  await writeFile(join(folder, 'clew', 'running', '1-8080.json'), '{"pid":1,"st')
  const refusal = await explainTakenPort('elsewhere', ports, 'gateway')
  expect(refusal.message).toContain(
    `Port 8080 (gateway) is taken by the Clew that runs in ${state}`,
  )
})

it('a reset leaves nothing, measurements included, and keeps what is not ours', async () => {
  await mkdir(join(state, 'bench', 'lean'), { recursive: true })
  await mkdir(join(state, 'compile-cache'))
  await writeFile(join(state, 'notes.txt'), 'mine')
  await removeState(state)
  expect(await readdir(state)).toEqual(['notes.txt'])
})

it('every role has a password of its own, and keeps it', async () => {
  const [auth, profile] = [await readPassword(state, 'auth'), await readPassword(state, 'profile')]
  expect(auth).toMatch(/^[\w-]{24}$/)
  expect(auth).not.toBe(profile)
  expect(await readPassword(state, 'auth')).toBe(auth)
  expect(await readFile(join(state, 'keys', 'auth-password'), 'utf8')).toBe(auth)
})

it('a gateway that does not answer the first request is a sentence, not a stack', async () => {
  const asked = makeFirstRequest('http://127.0.0.1:1', 'http://127.0.0.1:1', 'lean')
  await expect(asked).rejects.toThrow(Refusal)
  await expect(asked).rejects.toThrow(/^The first request, to [^\n]*\.$/)
})
