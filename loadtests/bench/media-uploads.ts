import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Block, measureBlock, middleOf } from './blocks.ts'
import { type Child, startServer } from './child.ts'
import { loadAverage } from './load-average.ts'
import type { Uploaded, Uploads } from './media-driver.ts'
import { type MediaWorld, untilMade, upload } from './media-world.ts'
import { percentile } from './percentile.ts'
import { median, medianWithInterval } from './ratio.ts'
import type { Row } from './row.ts'

const parts = ['nginx', 'media', 'auth', 'postgres', 'redis', 'gateway-spans', 'lens']
const perBlock = 8

type Writer = Child & { origin: string; folder: string }

/**
 * A photo of 10 MB through the gateway, one after the other, against the same bytes to a server that
 * writes them to a file, in interleaved blocks (A B B A). The worker is stopped meanwhile: variants
 * come after the answer, and are measured by themselves.
 */
export async function benchUploads(
  quick: boolean,
  world: MediaWorld,
  photo: Buffer,
): Promise<Row[]> {
  const { platform, driver } = world
  await untilMade(platform)
  await platform.stop('media-worker')
  await driver.ask('load', { bytes: photo })
  await using writer = await startWriter(world)
  const rest = world.users.slice(50).values()
  const ours = async () => {
    const users = Array.from({ length: perBlock }, () => rest.next().value).filter((user) => !!user)
    const times: number[] = []
    const block = await measureBlock(platform, perBlock, async () => {
      times.push(...(await upload(world, users, 1)).times)
    })
    return { block, times }
  }
  const theirs = () => write(world, writer)
  for (let warm = 0; warm < 2; warm++) await theirs().then(ours)
  const pairs: [Awaited<ReturnType<typeof theirs>>, Awaited<ReturnType<typeof ours>>][] = []
  for (let round = 0; round < (quick ? 2 : 5); round++) {
    const [a1, b1] = [await theirs(), await ours()]
    const [b2, a2] = [await ours(), await theirs()]
    pairs.push([a1, b1], [a2, b2])
  }
  await platform.start('media-worker')
  const bases = pairs.map(([base]) => base)
  const others = pairs.map(([, other]) => other)
  return describe(photo, bases, others)
}

async function startWriter({ platform }: MediaWorld): Promise<Writer> {
  const port = platform.ports.gateway + 300
  const folder = join(platform.state, 'writer')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const server = await startServer('media-control-server.ts', port, folder)
  return {
    ...server,
    origin: `http://127.0.0.1:${port}`,
    folder,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function write({ driver }: MediaWorld, { origin, cpuMicros }: Writer) {
  const before = cpuMicros()
  const { times } = await driver.ask<Uploaded>('upload', {
    origin,
    method: 'PUT',
    path: '/',
    tokens: Array<string>(perBlock).fill(''),
    atOnce: 1,
  } satisfies Uploads)
  return { times, micros: (cpuMicros() - before) / perBlock }
}

function describe(
  photo: Buffer,
  bases: { times: number[]; micros: number }[],
  others: { times: number[]; block: Block }[],
): Row[] {
  const size = `${(photo.length / 1e6).toFixed(1)} MB`
  const row = (what: string, value: number, unit: string): Row => ({
    name: `upload of ${size}, ${what}`,
    value,
    unit,
    better: 'lower',
  })
  const ratio = medianWithInterval(
    others.map(({ times }, at) => median(times) / median(bases[at]?.times ?? [])),
  )
  const blocks = others.map(({ block }) => block)
  const [base, ours] = [bases, others].map((side) => side.flatMap(({ times }) => times))
  const bareMs = median(bases.map(({ micros }) => micros)) / 1_000
  const cpu = (which: string[]) => middleOf(blocks, which) / 1_000
  return [
    {
      ...row(
        `p50 through the gateway / bare file writer (95 % ${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`,
        ratio.median,
        '',
      ),
      aim: 4,
    },
    row('p50 through the gateway', percentile(ours ?? [], 0.5), 'ms'),
    row('p99 through the gateway', percentile(ours ?? [], 0.99), 'ms'),
    row('p50 of the bare file writer', percentile(base ?? [], 0.5), 'ms'),
    row('CPU of the bare file writer', bareMs, 'ms'),
    row('CPU of nginx and media', cpu(['nginx', 'media']), 'ms'),
    row('CPU of all processes', cpu(parts), 'ms'),
    ...parts.map((part) => row(`CPU of ${part}`, cpu([part]), 'ms')),
    loadAverage('uploads'),
  ]
}
