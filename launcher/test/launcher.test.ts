import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { withClient } from '@clew/population/client'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { askControl, controlPath } from '../control.ts'
import { isAlive, readIdentity } from '../identity.ts'
import { adminUrl } from '../postgres.ts'
import type { Status } from '../supervisor.ts'

// Real launchers with real servers below them, in folders and on ports of their own.
const portOffset = 12_300
const main = join(import.meta.dirname, '..', 'main.ts')

let folder: string
let state: string
const launchers: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew launcher '))
  state = join(folder, 'state')
})

afterEach(async () => {
  for (const launcher of launchers.splice(0)) {
    if (launcher.exitCode !== null || launcher.signalCode !== null) continue
    launcher.kill('SIGTERM')
    await once(launcher, 'exit')
  }
  await launch('stop').ended
  await rm(folder, { recursive: true, force: true })
})

it('comes up with the data intact after it was killed, and ends what was left running', async () => {
  const first = launch('start', '--only', 'postgres,redis')
  await first.says('Clew runs.')
  await query('create table kept (word text)')
  await query("insert into kept values ('thread')")
  const [postgres, redis] = await Promise.all([identity('postgres'), identity('redis')])

  first.child.kill('SIGKILL')
  await first.ended
  expect(await isAlive(postgres)).toBe(true)

  const second = launch('start', '--only', 'postgres,redis')
  await second.says('Clew runs.')
  expect(await query('select word from kept')).toEqual([{ word: 'thread' }])
  expect(await isAlive(postgres)).toBe(false)
  expect(await isAlive(redis)).toBe(false)
})

it('leaves nothing running and no pid files when it is asked to stop', async () => {
  const { child, ended, says, said } = launch('start', '--only', 'redis')
  await says('Clew runs.')
  const redis = await identity('redis')
  child.kill('SIGINT')
  expect((await ended).code).toBe(0)
  expect(said()).toMatch(/\nStopping\.\nStopped\.\n$/)
  expect(await isAlive(redis)).toBe(false)
  expect(await readIdentity(join(state, 'run', 'redis.pid'))).toBeUndefined()
  expect(await readIdentity(join(state, 'run', 'launcher.pid'))).toBeUndefined()
})

it('starts a crashed process again and says so', async () => {
  const { says } = launch('start', '--only', 'redis')
  await says('Clew runs.')
  const before = await identity('redis')
  await ask('POST', '/processes/redis/kill?signal=SIGKILL')
  await says('redis was ended by SIGKILL; starts again in 0.5 s')
  await says('redis is ready')
  const [redis] = await parts()
  expect(redis).toMatchObject({ name: 'redis', state: 'ready', restarts: 1 })
  expect(redis?.pid).not.toBe(before.pid)
  await launch('status').says(', ended 1 time by itself\n')
})

it('tells in another terminal what runs, and since when', async () => {
  await launch('start', '--only', 'redis').says('Clew runs.')
  const { pid } = await identity('redis')
  const status = launch('status')
  await status.says(`, process ${pid}\n`)
  expect(status.said()).toMatch(/^redis {2}ready since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, process/)
  expect((await status.ended).code).toBe(0)
})

it('has a village from the first start on, and fills in more people when asked', async () => {
  const { says } = launch('start', '--only', 'postgres')
  await says('village done')
  await says('Clew runs.')
  expect(await query('select count(*)::int from users', 'auth')).toEqual([{ count: 60 }])

  const wishes = ['--people', '20', '--posts', '50', '--shape', 'reed98']
  const populate = launch('populate', ...wishes)
  expect(await populate.ended).toEqual({ code: 0, errors: '' })
  expect(populate.said()).toMatch(/^Wrote 20 people, \d+ follows, 50 posts, /m)
  const again = launch('populate', ...wishes)
  expect(await again.ended).toEqual({ code: 0, errors: '' })
  expect(again.said()).toBe(
    'These 20 people are there already: nothing was changed. --posts and --shape add nothing to people who are there; another --seed gives others.\n',
  )
  expect(await query('select count(*)::int from users', 'auth')).toEqual([{ count: 80 }])

  const more = await launch('populate', '--people', '30').ended
  expect(more).toMatchObject({ code: 1 })
  expect(more.errors).toMatch(/^Of these 30 people 20 are there already, [^\n]*\.\n$/)
})

it('says that nothing runs which it could populate', async () => {
  const { code, errors } = await launch('populate').ended
  expect({ code, errors }).toEqual({
    code: 1,
    errors: `No Clew runs in ${state}: npm start starts one.\n`,
  })
})

it('stops and starts a single process on request, and does not mistake that for a crash', async () => {
  const { says } = launch('start', '--only', 'redis')
  await says('Clew runs.')
  await ask('POST', '/processes/redis/stop')
  expect(await parts()).toMatchObject([{ state: 'stopped', restarts: 0 }])
  await sleep(700)
  expect(await parts()).toMatchObject([{ state: 'stopped' }])
  await ask('POST', '/processes/redis/start')
  expect(await parts()).toMatchObject([{ state: 'ready', restarts: 0 }])
  expect(await ask('POST', '/processes/rdeis/start')).toMatchObject({ status: 409 })
})

it('starts with telemetry off, shows no trace and never what the answer held', async () => {
  const { child, ended, says, said } = launch(
    { env: { ...process.env, CLEW_TELEMETRY: 'off' } },
    'start',
  )
  await says('Clew runs.')
  child.kill('SIGTERM')
  const { errors } = await ended
  expect(said()).toMatch(/POST \/api\/auth\/register → 201 \(\d+ ms\)\nTelemetry is off: nothing/)
  expect(said()).not.toContain('npm run trace')
  expect(said() + errors).not.toMatch(/refresh_token|eyJ/i)
  // All there is starts here, one process after another where there are few cores.
}, 90_000)

it('says which port is taken, exits with 1 and leaves nothing running', async () => {
  const squatter = createServer().listen(6389 + portOffset, '127.0.0.1')
  await once(squatter, 'listening')
  const { code, errors } = await launch('start', '--only', 'postgres,redis').ended
  squatter.close()
  expect(code).toBe(1)
  expect(errors).toMatch(/^Port 18689 \(redis\) is taken by another program: stop [^\n]*\.\n$/)
  await expectNothingLeft()
})

it('knows a port that another Clew holds, and refuses a second launcher in one folder', async () => {
  await launch('start', '--only', 'redis').says('Clew runs.')
  const again = await launch('start', '--only', 'redis').ended
  expect(again).toMatchObject({ code: 1 })
  expect(again.errors).toContain(`A Clew already runs in ${state} (process `)

  const elsewhere = join(folder, 'elsewhere')
  const other = await launch('start', '--only', 'redis', '--state', elsewhere).ended
  expect(other).toMatchObject({ code: 1 })
  expect(other.errors).toContain(`is taken by the Clew that runs in ${state}: stop it`)
})

it('says what to install when a tool is nowhere to be had', async () => {
  const env = { PATH: '', HOME: folder, XDG_CACHE_HOME: folder }
  const { code, errors } = await launch({ env }, 'start', '--only', 'postgres,redis').ended
  expect(code).toBe(1)
  expect(errors).toMatch(/^Not found [^\n]*: redis 7\.0 or newer; [^\n]*\.\n$/)
  await expectNothingLeft()
})

it('says what a process said when it does not come up, and stops the others', async () => {
  // Redis refuses a folder of append-only files that it cannot read.
  await mkdir(join(state, 'data', 'redis', 'appendonlydir'), { recursive: true })
  const manifest = join(state, 'data', 'redis', 'appendonlydir', 'appendonly.aof.manifest')
  await writeFile(manifest, 'not a manifest\n')
  const { code, errors } = await launch('start', '--only', 'postgres,redis').ended
  expect(code).toBe(1)
  expect(errors).toMatch(/^redis ended with code 1 before it was ready; the end of .*redis\.log:/)
  await expectNothingLeft()
})

type Launch = {
  child: ChildProcess
  /** Waits for words on stdout. */
  says(words: string): Promise<void>
  said(): string
  ended: Promise<{ code: number | null; errors: string }>
}

function launch(...words: (string | { env: NodeJS.ProcessEnv })[]): Launch {
  const [options] = words.filter((word) => typeof word === 'object')
  const [verb = '', ...args] = words.filter((word) => typeof word === 'string')
  const places = ['--state', state, '--port-offset', String(portOffset)]
  const child = spawn(process.execPath, [main, verb, ...places, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options?.env ?? process.env,
  })
  launchers.push(child)
  let said = ''
  child.stdout.on('data', (bytes) => {
    said += bytes
  })
  const errors = text(child.stderr)
  const exited = once(child, 'exit')
  return {
    child,
    said: () => said,
    ended: exited.then(async ([code]) => ({ code, errors: await errors })),
    async says(words) {
      while (!said.includes(words)) {
        if (child.exitCode !== null) throw new Error(`ended instead: ${await errors}`)
        await sleep(20)
      }
    },
  }
}

async function identity(name: string) {
  const found = await readIdentity(join(state, 'run', `${name}.pid`))
  if (!found) throw new Error(`${name} has no pid file`)
  return found
}

function ask(method: string, target: string) {
  return askControl(controlPath(state), method, target)
}

async function parts(): Promise<Status[]> {
  const { body } = await ask('GET', '/processes')
  return (body as { processes: Status[] }).processes
}

async function query(sql: string, database?: string): Promise<unknown[]> {
  const password = await readFile(join(state, 'keys', 'admin-password'), 'utf8')
  const url = adminUrl(5442 + portOffset, password, database)
  return withClient(url, async (client) => (await client.query(sql)).rows)
}

async function expectNothingLeft(): Promise<void> {
  for (const name of ['postgres', 'redis', 'launcher']) {
    expect(await readIdentity(join(state, 'run', `${name}.pid`)), name).toBeUndefined()
  }
}
