import { expect, it } from 'vitest'
import { readOptions } from './options.ts'
import { runVerb } from './verbs.ts'

it('refuses an unknown verb and names those there are', async () => {
  await expect(runVerb(['strat'])).rejects.toThrow(/^There is no strat: it is one of start, dev, /)
  await expect(runVerb(['toString'])).rejects.toThrow('There is no toString')
})

it('refuses options it does not know and offsets that leave the range of ports', () => {
  expect(() => readOptions(['--prot-offset', '1'])).toThrow("Unknown option '--prot-offset'")
  expect(() => readOptions(['--port-offset', '60000'])).toThrow('--port-offset is a whole number')
  expect(() => readOptions(['--port-offset', 'a'])).toThrow('--port-offset is a whole number')
})
