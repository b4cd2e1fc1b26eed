import { hash } from '@node-rs/bcrypt'
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

  it('take as long for an account that is none: longer than a cheap hash, not as long as a dear one', async () => {
    const passwords = createPasswords({ running: 3 })
    // Makes what an unknown account is compared with.
    await passwords.verify('correct horse', undefined)
    const [cheap, dear] = await Promise.all([6, 13].map((cost) => hash('correct horse', { cost })))
    const order: string[] = []
    const verify = async (name: string, known: string | undefined) => {
      await passwords.verify('correct house', known)
      order.push(name)
    }
    await Promise.all([verify('nobody', undefined), verify('dear', dear), verify('cheap', cheap)])
    expect(order).toEqual(['cheap', 'nobody', 'dear'])
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
