import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { benchFeed } from './feed.ts'
import { benchLens } from './lens.ts'
import { benchMedia } from './media.ts'
import { benchMemory } from './memory.ts'
import { benchMessaging } from './messaging.ts'
import { benchOutage } from './outage.ts'
import type { Row } from './row.ts'
import { benchStart } from './start.ts'
import { printTable } from './table.ts'
import { benchTracing } from './tracing.ts'

const benches: Record<string, (quick: boolean) => Promise<Row[]>> = {
  tracing: benchTracing,
  feed: benchFeed,
  messaging: benchMessaging,
  media: benchMedia,
  lens: benchLens,
  memory: benchMemory,
  outage: benchOutage,
  start: benchStart,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
})
const chosen = positionals.length > 0 ? positionals : Object.keys(benches)
const unknown = chosen.filter((name) => !(name in benches))

if (unknown.length > 0) {
  console.error(
    `There is no benchmark named ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}.`,
  )
  process.exitCode = 1
} else {
  for (const name of chosen) {
    console.log(`\n${name}`)
    const rows = (await benches[name]?.(values.quick)) ?? []
    printTable(rows)
    console.log(`written to ${await writeResult(name, rows)}`)
  }
}

async function writeResult(name: string, rows: Row[]): Promise<string> {
  const at = new Date().toISOString()
  const folder = '.clew/bench'
  const path = `${folder}/${name}-${at.replaceAll(':', '-').slice(0, 19)}.json`
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version }
  await mkdir(folder, { recursive: true })
  await writeFile(path, `${JSON.stringify({ at, name, machine, rows }, null, 2)}\n`)
  return path
}
