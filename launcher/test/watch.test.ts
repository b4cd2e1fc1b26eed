import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Context } from '../processes.ts'
import { type Change, createPart, type Part } from '../supervisor.ts'
import { watchSources } from '../watch.ts'

const lives = 'setTimeout(() => {}, 60_000)\n'

let folder: string
let source: string
let part: Part
let told: Change[]
let watching: Disposable

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew watch '))
  source = join(folder, 'src')
  for (const name of ['logs', 'run', 'src']) await mkdir(join(folder, name))
  await writeFile(join(source, 'main.ts'), lives)
  told = []
  const command = () => [process.execPath, join(source, 'main.ts')]
  // Ready once it has lived for a while, so that one with a mistake ends before, on a busy machine too.
  const ready = () => {
    const since = performance.now()
    return async () => performance.now() - since > 1_500
  }
  const tell = (change: Change) => void told.push(change)
  const row = { name: 'sleeper', needs: [], command, ready }
  part = createPart(row, { state: folder, root: folder } as Context, {}, tell)
  await part.start()
  watching = watchSources([{ part, folders: [source] }], tell)
})
afterEach(async () => {
  watching[Symbol.dispose]()
  await part.stop()
  await rm(folder, { recursive: true })
})

/** As many editors save: a new file takes the place of the old. */
async function save(text: string): Promise<void> {
  await writeFile(join(source, 'main.ts.new'), text)
  await rename(join(source, 'main.ts.new'), join(source, 'main.ts'))
}

const states = () => told.splice(0).map(({ state, detail }) => `${state} ${detail}`.trim())
const becomes = (state: string) =>
  vi.waitFor(() => expect(told.at(-1)?.state).toBe(state), { timeout: 10_000 })

it('starts a part again each time its source is replaced, and counts no crash', async () => {
  states()
  for (const round of [1, 2]) {
    const { pid } = part.status()
    await save(`// ${round}\n${lives}`)
    await becomes('ready')
    expect(states()).toEqual([
      'starting changed, starting again',
      'stopping',
      'stopped',
      'starting',
      'ready',
    ])
    expect(part.status()).toMatchObject({ state: 'ready', restarts: 0 })
    expect(part.status().pid).not.toBe(pid)
  }
})

it('shows the end of the log when it does not come up, and waits for the next change', async () => {
  await save("throw new Error('a slip')\n")
  await becomes('failed')
  expect(told.at(-1)?.detail).toMatch(/^sleeper ended with code 1 before .*\n[\s\S]*Error: a slip/)
  await save(lives)
  await becomes('ready')
  expect(part.status()).toMatchObject({ state: 'ready', restarts: 0 })
})

it('leaves alone what a person has stopped', async () => {
  await part.stop()
  states()
  await save(`${lives}\n`)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(states()).toEqual([])
})
