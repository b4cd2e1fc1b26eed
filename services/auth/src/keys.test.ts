import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseSigner, rotateKeys } from './keys.ts'

const minute = 60_000
const day = 24 * 60 * minute
const start = Date.UTC(2026, 0, 1)

let folder: string
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'clew-keys-')), 'keys')
})
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }))

const at = async (now: number) => {
  const keys = await rotateKeys(folder, { now })
  return { kids: keys.map(({ kid }) => kid), signer: chooseSigner(keys, now).kid }
}

describe('signing keys', () => {
  it('are made on first start, for their owner alone, and used at once', async () => {
    const { kids, signer } = await at(start)
    expect(kids).toEqual([signer])
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect(await readdir(folder)).toEqual(['key-1.json'])
    expect((await stat(join(folder, 'key-1.json'))).mode & 0o777).toBe(0o600)
  })

  it('stay for 30 days', async () => {
    const first = await at(start)
    expect(await at(start + 30 * day)).toEqual(first)
    expect((await at(start + 30 * day + 1)).kids).toHaveLength(2)
  })

  it('overlap: shown before they sign, and until the last token has expired', async () => {
    const { signer: old } = await at(start)
    const rotated = start + 31 * day
    const { kids, signer } = await at(rotated)
    const fresh = kids[1]
    expect(signer).toBe(old)
    expect((await at(rotated + 2 * minute)).signer).toBe(fresh)
    expect((await at(rotated + 17 * minute)).kids).toEqual([old, fresh])
    expect((await at(rotated + 19 * minute)).kids).toEqual([fresh])
  })

  it('are one, however many instances start at once', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => rotateKeys(folder)))
    expect(new Set(all.flat().map(({ kid }) => kid)).size).toBe(1)
    expect(await readdir(folder)).toEqual(['key-1.json'])
  })

  it('can be rotated by hand', async () => {
    await rotateKeys(folder)
    expect(await rotateKeys(folder, { force: true })).toHaveLength(2)
  })
})
