import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startNginx } from './child.ts'
import { type Driver, startDriver } from './driver.ts'
import { loadAverage } from './load-average.ts'
import type { Fetched, Fetching } from './media-image-driver.ts'
import { postPhoto } from './media-post.ts'
import type { MediaWorld } from './media-world.ts'
import { cpuMicrosOf } from './processes.ts'
import { median, medianWithInterval } from './ratio.ts'
import type { Row } from './row.ts'

const connections = 16
const variants = ['thumb', 'card']

/** Somebody who serves the image; `settle` waits until what follows a request is done. */
type Side = {
  name: string
  port: number
  path: string
  cpuMicros(): number
  settle(): Promise<void>
  blocks: Block[]
}
type Block = { perSecond: number; micros: number; driverMicros: number }

/**
 * An image out of the gateway's cache, with tracing and without, against the same bytes from a plain
 * NGINX, which serves a file and writes no log: requests per second of one driver, and processor time
 * of NGINX, in interleaved blocks (A B C C B A).
 */
export async function benchCachedImage(
  quick: boolean,
  worlds: MediaWorld[],
  photo: Buffer,
): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const driver = stack.use(startDriver('media-image-driver.ts'))
  const [first] = worlds as [MediaWorld]
  const folder = join(first.platform.state, 'static')
  const port = first.platform.ports.gateway + 301
  await mkdir(join(folder, 'files'), { recursive: true })
  const plain = stack.use(await startNginx(folder, port, serveFiles(folder, port)))
  const photos = new Map<MediaWorld, string>()
  for (const world of worlds) photos.set(world, await postPhoto(world, photo))
  const rows: Row[] = []
  for (const variant of variants) {
    const sides = [...photos].map(([world, id]) => sideOf(world, `/media/${id}/${variant}`))
    const bytes = await takeCached(sides)
    await writeFile(join(folder, 'files', variant), bytes)
    const bare: Side = { name: 'static', port, path: `/${variant}`, ...quiet(plain), blocks: [] }
    await measure(quick, driver, [bare, ...sides])
    rows.push(...describe(`${variant} of ${Math.round(bytes.length / 1_024)} KB`, bare, sides))
  }
  return [...rows, loadAverage('images')]
}

function quiet({ cpuMicros }: Child) {
  return { cpuMicros, settle: async () => undefined }
}

function sideOf({ mode, platform }: MediaWorld, path: string): Side {
  return {
    name: mode,
    port: platform.ports.gateway,
    path,
    cpuMicros: () => cpuMicrosOf(platform.pid('nginx') ?? 0),
    async settle() {
      // The spans of a block may take longer than the block: they are not to disturb the next.
      for (let last = -1, spans = 0; spans !== last; ) {
        last = spans
        await sleep(1_500)
        const answer = await fetch(`${platform.urls.query}/stats`)
        spans = ((await answer.json()) as { stored: number }).stored
      }
    },
    blocks: [],
  }
}

/** @throws Error unless all of them serve the same bytes out of their caches */
async function takeCached(sides: Side[]): Promise<Buffer> {
  const files: Buffer[] = []
  for (const { port, path } of sides) {
    const address = `http://127.0.0.1:${port}${path}`
    await (await fetch(address)).arrayBuffer()
    const answer = await fetch(address)
    files.push(Buffer.from(await answer.arrayBuffer()))
    const cache = answer.headers.get('x-cache')
    if (cache?.toLowerCase() !== 'hit') throw new Error(`${path} is a ${cache}: the run is void`)
  }
  const [one] = files as [Buffer]
  if (files.every((file) => file.equals(one))) return one
  throw new Error('the images differ: the run is void')
}

async function measure(quick: boolean, driver: Driver, sides: Side[]): Promise<void> {
  const amount = quick ? 15_000 : 30_000
  const take = async ({ port, path, cpuMicros, settle, blocks }: Side) => {
    const [before, own] = [cpuMicros(), driver.cpuMicros()]
    const fetching: Fetching = { port, path, amount, connections }
    const { seconds } = await driver.ask<Fetched>('fetch', fetching)
    blocks.push({
      perSecond: amount / seconds,
      micros: (cpuMicros() - before) / amount,
      driverMicros: (driver.cpuMicros() - own) / amount,
    })
    await settle()
  }
  for (const side of sides) await take(side)
  for (const side of sides) side.blocks.length = 0
  for (let round = 0; round < (quick ? 2 : 5); round++) {
    for (const side of [...sides, ...sides.toReversed()]) await take(side)
  }
}

function describe(image: string, bare: Side, sides: Side[]): Row[] {
  const middle = ({ blocks }: Side, what: keyof Block) => median(blocks.map((block) => block[what]))
  const rows = sides.flatMap((side) => {
    const compare = (what: 'perSecond' | 'micros', aim?: number): Row => {
      const ratio = medianWithInterval(
        side.blocks.map((block, at) => {
          const base = bare.blocks[at]?.[what] ?? Number.NaN
          return what === 'perSecond' ? block[what] / base : base / block[what]
        }),
      )
      const name = what === 'perSecond' ? 'requests a second / static' : 'CPU of NGINX, static /'
      const interval = `95 % ${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}`
      return {
        name: `cached ${image}, ${side.name}: ${name} (${interval})`,
        value: ratio.median,
        unit: '',
        better: 'higher',
        ...(aim && { aim }),
      }
    }
    return [compare('perSecond', 0.7), compare('micros')]
  })
  const each = [bare, ...sides].flatMap((side): Row[] => [
    {
      name: `cached ${image}, ${side.name}`,
      value: middle(side, 'perSecond'),
      unit: 'requests/s',
      better: 'higher',
    },
    {
      name: `cached ${image}, ${side.name}: CPU of NGINX (the driver ${middle(side, 'driverMicros').toFixed(0)})`,
      value: middle(side, 'micros'),
      unit: 'us/request',
      better: 'lower',
    },
  ])
  return [...rows, ...each]
}

function serveFiles(folder: string, port: number): string {
  return `
  sendfile on;
  default_type image/webp;
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 100000;
    root ${folder}/files;
  }
`
}
