import { describe, expect, it } from 'vitest'
import { dependents, inOrder, selectRows } from './order.ts'
import type { Row } from './processes.ts'

const process = (name: string, ...needs: string[]): Row => ({ name, needs, command: () => [] })
const step = (name: string, ...needs: string[]): Row => ({ name, needs })

const table = [
  step('disk'),
  process('store', 'disk'),
  step('databases', 'store'),
  step('tables', 'databases'),
  process('cache'),
  process('service', 'tables', 'cache'),
  process('gateway', 'service'),
]
const namesOf = (rows: Row[]) => rows.map(({ name }) => name)

describe('selectRows', () => {
  it('adds what the asked ones need', () => {
    expect(namesOf(selectRows(table, ['service']))).toEqual([
      'disk',
      'store',
      'databases',
      'tables',
      'cache',
      'service',
    ])
  })

  it('adds steps whose needs are met, one after another', () => {
    expect(namesOf(selectRows(table, ['store']))).toEqual(['disk', 'store', 'databases', 'tables'])
    expect(namesOf(selectRows(table, ['cache']))).toEqual(['cache'])
  })

  it('refuses a name that is not in the table', () => {
    expect(() => selectRows(table, ['stroe'])).toThrow('stroe')
  })
})

describe('inOrder', () => {
  it('begins each row when those it waits for are done, and no sooner', async () => {
    const log: string[] = []
    await inOrder(
      table,
      (row) => row.needs,
      async ({ name }) => {
        log.push(`+${name}`)
        await new Promise(setImmediate)
        log.push(`-${name}`)
      },
    )
    for (const { name, needs } of table) {
      for (const need of needs)
        expect(log.indexOf(`-${need}`)).toBeLessThan(log.indexOf(`+${name}`))
    }
    expect(log.slice(0, 2)).toEqual(['+disk', '+cache'])
  })

  it('stops in reverse: nothing ends while something that needs it runs', async () => {
    const ended: string[] = []
    await inOrder(
      table,
      (row) => dependents(table, row),
      async ({ name }) => void ended.push(name),
    )
    expect(ended.indexOf('gateway')).toBeLessThan(ended.indexOf('service'))
    expect(ended.indexOf('service')).toBeLessThan(ended.indexOf('cache'))
    expect(ended.at(-1)).toBe('disk')
  })

  it('begins nothing more after a failure, and throws it', async () => {
    const begun: string[] = []
    const starting = inOrder(
      table,
      (row) => row.needs,
      async ({ name }) => {
        begun.push(name)
        if (name === 'databases') throw new Error('no room')
      },
    )
    await expect(starting).rejects.toThrow('no room')
    expect(begun).toEqual(['disk', 'cache', 'store', 'databases'])
  })

  it('begins nothing once it is called off', async () => {
    const begun: string[] = []
    await inOrder(
      table,
      (row) => row.needs,
      async ({ name }) => void begun.push(name),
      AbortSignal.abort(),
    )
    expect(begun).toEqual([])
  })
})
