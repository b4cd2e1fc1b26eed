import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { serveControl } from './control.ts'
import { readOptions } from './options.ts'
import { Refusal } from './refusal.ts'
import { runVerb } from './verbs.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew-verbs-'))
})

afterEach(() => rm(folder, { recursive: true }))

it('refuses an unknown verb and names those there are', async () => {
  await expect(runVerb(['strat'])).rejects.toThrow(/^There is no strat: it is one of start, dev, /)
  await expect(runVerb(['toString'])).rejects.toThrow('There is no toString')
})

it('refuses options it does not know and offsets that leave the range of ports', () => {
  expect(() => readOptions(['--prot-offset', '1'])).toThrow("Unknown option '--prot-offset'")
  expect(() => readOptions(['--port-offset', '60000'])).toThrow('--port-offset is a whole number')
  expect(() => readOptions(['--port-offset', 'a'])).toThrow('--port-offset is a whole number')
})

it('says that lens does not answer when Clew runs, and to start Clew when it does not', async () => {
  const trace = () => runVerb(['trace', 'last', '--state', folder])
  await mkdir(join(folder, 'run'))
  const nothing = async () => undefined
  const ports = { query: 9 }
  const platform = { parts: () => [], start: nothing, stop: nothing, kill: () => false, ports }
  {
    await using _ = await serveControl(folder, platform, nothing)
    await expect(trace()).rejects.toThrow(
      `Clew runs in ${folder}, but lens, which keeps the traces, does not answer at http://127.0.0.1:9:`,
    )
  }
  await expect(runVerb(['trace', '--state', folder, '--port-offset', '7777'])).rejects.toThrow(
    'No traces can be read at http://127.0.0.1:24463: start Clew with npm start first.',
  )
})

it('refuses more words than trace reads', async () => {
  await expect(runVerb(['trace', 'last', 'week'])).rejects.toThrow(
    'trace takes 1 word and options, not week; npm start -- --help lists what there is.',
  )
})

it('has nothing to reset where no Clew has been, and asks nothing', async () => {
  using write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const nowhere = join(folder, 'nowhere')
  expect(await runVerb(['reset', '--state', nowhere])).toBe(0)
  expect(write).toHaveBeenCalledWith(`There is nothing to delete: there is no ${nowhere}.\n`)
})

it.each([
  [['--people', 'many'], '--people is a whole number from 2 to 1,000,000.'],
  [['--people', '-5'], '--people is a whole number from 2 to 1,000,000.'],
  [['--posts', '-1'], '--posts is a whole number from 0 to 2,000,000.'],
  [['--people', '200000'], '--posts is a whole number from 0 to 2,000,000.'],
  [['--shape', 'round'], '--shape is reed98 or powerlaw.'],
  [['500'], 'populate takes options only, not 500; npm start -- --help lists what there is.'],
])('checks what populate is given before it looks for a Clew: %j', async (args, told) => {
  const populating = runVerb(['populate', '--state', folder, ...args])
  await expect(populating).rejects.toThrow(new Refusal(told))
})
