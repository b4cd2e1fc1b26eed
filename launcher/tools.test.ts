import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Refusal } from './refusal.ts'
import { findTools } from './tools.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew tools '))
})
afterAll(() => rm(folder, { recursive: true }))

const silent = () => undefined

it('takes a tool from PATH', async () => {
  const path = await pretend('new', 'redis-server', 'Redis server v=7.2.4 sha=0')
  const tools = await findTools(['redis'], silent, { path, cache: join(folder, 'cache') })
  expect(tools.redis?.file).toBe(join(path, 'redis-server'))
})

it('passes by one that is too old and one that cannot run', async () => {
  const old = await pretend('old', 'redis-server', 'Redis server v=6.0.16 sha=0')
  const good = await pretend('good', 'redis-server', 'Redis server v=8.0.0 sha=0')
  const broken = await pretend('broken', 'redis-server', '', 127)
  const path = [broken, join(folder, 'absent'), old, good].join(':')
  const tools = await findTools(['redis'], silent, { path, cache: join(folder, 'cache') })
  expect(tools.redis?.file).toBe(join(good, 'redis-server'))
})

it('says in a sentence what to do when a tool is to be had nowhere', async () => {
  const finding = findTools(['prometheus'], silent, { path: '', cache: join(folder, 'cache') })
  const error = await finding.then(silent, (thrown) => thrown)
  expect(error).toBeInstanceOf(Refusal)
  expect(error.message).toMatch(
    /^Not found .*: prometheus 2\.30 or newer; .*(install it|brew install prometheus).*\.$/,
  )
})

/** A program that only says its version. @returns the folder it is in */
async function pretend(name: string, binary: string, version: string, code = 0): Promise<string> {
  const place = join(folder, name)
  await mkdir(place)
  await writeFile(join(place, binary), `#!/bin/sh\necho '${version}'\nexit ${code}\n`)
  await chmod(join(place, binary), 0o755)
  return place
}
