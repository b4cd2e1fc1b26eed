import { describe, expect, it } from 'vitest'
import { createPasswords } from './passwords.ts'

describe('passwords', () => {
  it('match their own hash and no other', async () => {
    const passwords = createPasswords()
    const hash = await passwords.hash('correct horse')
    expect(await passwords.verify('correct horse', hash)).toBe(true)
    expect(await passwords.verify('correct house', hash)).toBe(false)
    expect(await passwords.verify('correct horse', undefined)).toBe(false)
  })

  it('wait their turn, and are refused when too many wait', async () => {
    const passwords = createPasswords({ running: 1, waiting: 2 })
    const all = await Promise.allSettled(
      Array.from({ length: 5 }, () => passwords.hash('correct horse')),
    )
    expect(all.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    ])
    expect(all[4]).toMatchObject({ reason: { status: 503, headers: { 'retry-after': '2' } } })
  })
})
