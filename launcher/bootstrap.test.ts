import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

// Plain JavaScript, which has no types.
const { isInstalled } = await import(new URL('./bootstrap.js', import.meta.url).href)

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew bootstrap '))
  await mkdir(join(folder, 'node_modules', '.bin'), { recursive: true })
  await writeFile(join(folder, 'node_modules', '.bin', 'node'), '')
})
afterAll(() => rm(folder, { recursive: true }))

const wanted = {
  '': {},
  'node_modules/pg': { version: '8.23.1' },
  'node_modules/for-another-system': { version: '1.0.0', optional: true },
}

it('needs no install when all is there but what belongs to other systems', async () => {
  await lock('package-lock.json', wanted)
  await lock('node_modules/.package-lock.json', { 'node_modules/pg': { version: '8.23.1' } })
  expect(isInstalled(folder)).toBe(true)
})

it('needs one when a version differs, a package is missing, or nothing was installed', async () => {
  await lock('package-lock.json', wanted)
  await lock('node_modules/.package-lock.json', { 'node_modules/pg': { version: '8.0.0' } })
  expect(isInstalled(folder)).toBe(false)
  await lock('node_modules/.package-lock.json', {})
  expect(isInstalled(folder)).toBe(false)
  await rm(join(folder, 'node_modules', '.package-lock.json'))
  expect(isInstalled(folder)).toBe(false)
})

function lock(file: string, packages: object): Promise<void> {
  return writeFile(join(folder, file), JSON.stringify({ packages }))
}
