import { describe, expect, it } from 'vitest'
import { portBlock, portNames } from './ports.ts'
import { loginNames, rows } from './processes.ts'

describe('the table of processes', () => {
  const names = rows.map(({ name }) => name)

  it('names each part once', () => {
    expect(new Set(names).size).toBe(names.length)
  })

  it('needs only parts that exist and that stand above, so there is no cycle', () => {
    for (const [index, { name, needs }] of rows.entries()) {
      for (const need of needs) expect(names.slice(0, index), `${name} needs`).toContain(need)
    }
  })

  it('gives every port to exactly one part', () => {
    const used = rows.flatMap(({ ports }) => ports ?? [])
    expect(used.toSorted()).toEqual(portNames.toSorted())
  })

  it('gives each service one login, however many processes it has', () => {
    const names = loginNames()
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(expect.arrayContaining(['messaging', 'media', 'gateway']))
  })

  it('says how each process is known to be ready', () => {
    for (const row of rows) if (row.command) expect(row.ready, row.name).toBeDefined()
  })
})

describe('the block of ports', () => {
  it('has no number twice and stays below the ephemeral range, also where tests run', () => {
    const ports = Object.values(portBlock(10_000))
    expect(new Set(ports).size).toBe(ports.length)
    expect(Math.max(...ports)).toBeLessThan(32_768)
  })

  it('moves as a whole, and one port alone by its variable', () => {
    expect(portBlock(100)).toMatchObject({ gateway: 8180, query: 16786 })
    expect(portBlock(100, { AUTH_PORT: '4000' })).toMatchObject({ auth: 4000, profile: 3102 })
  })

  it.each(['abc', '0', '70000', '80.5'])('refuses %s as a port, in a sentence', (text) => {
    expect(() => portBlock(0, { GATEWAY_PORT: text })).toThrow(
      `GATEWAY_PORT is ${text}: a port is a whole number from 1 to 65535.`,
    )
  })
})
