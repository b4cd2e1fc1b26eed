import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, rmdir, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Identity, isAlive, readIdentity, readStart } from './identity.ts'
import type { PortName, Ports } from './ports.ts'
import { Refusal } from './refusal.ts'
import { cacheFolder } from './tools.ts'

const neededMegabytes = 300
const sqliteBusy = 5
const folders = ['data', 'logs', 'keys', 'run']

/** Makes the state folder. @throws Refusal when its disk has too little room to begin */
export async function prepareState(state: string): Promise<void> {
  for (const part of folders) {
    await mkdir(join(state, part), { recursive: true, mode: 0o700 })
  }
  const { bavail, bsize } = await statfs(state)
  const free = Math.floor((bavail * bsize) / 1e6)
  if (free >= neededMegabytes) return
  throw new Refusal(
    `The disk that holds ${state} has ${free} MB left and Clew needs ${neededMegabytes}: free some space, or name another folder with --state.`,
  )
}

/** Forgets all but who runs; the gateway's kept images too. */
export async function emptyState(state: string): Promise<void> {
  for (const part of ['data', 'logs', 'keys', 'run/nginx']) {
    await rm(join(state, part), { recursive: true, force: true })
  }
  await prepareState(state)
}

/** Deletes what is ours in a state folder, and the folder if nothing else was in it. */
export async function removeState(state: string): Promise<void> {
  const others = ['bench', 'compile-cache', 'test', 'test-stores', 'test-report.json']
  for (const part of [...folders, ...others]) {
    await rm(join(state, part), { recursive: true, force: true })
  }
  await rmdir(state).catch((error) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error
  })
}

/** Whether a launcher runs this state folder. */
export async function isClaimed(state: string): Promise<boolean> {
  const holder = await readIdentity(join(state, 'run', 'launcher.pid'))
  return holder !== undefined && (await isAlive(holder))
}

/**
 * Makes this process the one launcher of a state folder, until disposed.
 * @throws Refusal when another launcher runs it
 */
export async function claimState(state: string, ports: Ports): Promise<AsyncDisposable> {
  const file = join(state, 'run', 'launcher.pid')
  const self = { pid: process.pid, start: (await readStart(process.pid)) ?? '' }
  {
    // Several may find the same dead launcher's claim; they look and take one after another.
    using _ = await lock(join(state, 'run', 'launcher.lock'))
    const holder = await readIdentity(file)
    if (holder && (await isAlive(holder))) throw new Refusal(runsAlready(holder, state))
    await writeWhole(file, `${JSON.stringify(self)}\n`)
  }
  const entry = await announce({ ...self, state, ports })
  return {
    async [Symbol.asyncDispose]() {
      await rm(file, { force: true })
      await rm(entry, { force: true })
    },
  }
}

/** A lock among processes that the system releases when its holder dies: SQLite's, on an empty file. */
async function lock(file: string): Promise<Disposable> {
  const database = new DatabaseSync(file)
  for (;;) {
    try {
      database.exec('begin exclusive')
      return database
    } catch (error) {
      if ((error as { errcode?: number }).errcode === sqliteBusy) await sleep(20)
      else throw error
    }
  }
}

/** Whoever reads the file sees all of it or nothing. */
async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

/** A password of Postgres' and Redis': `admin`'s or a service's. */
export function readPassword(state: string, name = 'admin'): Promise<string> {
  return readSecret(state, `${name}-password`)
}

/** Random letters in a file of this name among the keys. Made on first use, its owner's alone. */
export async function readSecret(state: string, name: string): Promise<string> {
  const file = join(state, 'keys', name)
  await writeFile(file, randomBytes(18).toString('base64url'), { flag: 'wx', mode: 0o600 }).catch(
    (error) => {
      if (error.code !== 'EEXIST') throw error
    },
  )
  return readFile(file, 'utf8')
}

/** One for each of these names. */
export async function readPasswords(
  state: string,
  names: string[],
): Promise<Record<string, string>> {
  const read = names.map(async (name) => [name, await readPassword(state, name)])
  return Object.fromEntries(await Promise.all(read))
}

/** One sentence about a taken port; it names the Clew that sits there, if one does. */
export async function explainTakenPort(
  state: string,
  ports: Ports,
  name: PortName,
): Promise<Refusal> {
  const port = ports[name]
  const others = (await runningPlatforms()).filter((other) => other.state !== state)
  const holder = others.find((other) => Object.values(other.ports).includes(port))
  if (holder) {
    return new Refusal(
      `Port ${port} (${name}) is taken by the Clew that runs in ${holder.state}: stop it with npm run stop -- --state "${holder.state}", or use other ports with --port-offset 100.`,
    )
  }
  return new Refusal(
    `Port ${port} (${name}) is taken by another program: stop that program, or use other ports with --port-offset 100.`,
  )
}

type Running = Identity & { state: string; ports: Ports }

/** Every running platform of this user leaves a note in the cache, whatever checkout it is from. */
async function announce(running: Running): Promise<string> {
  const folder = join(cacheFolder(), 'running')
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${running.pid}-${running.ports.gateway}.json`)
  await writeWhole(file, JSON.stringify(running))
  return file
}

async function runningPlatforms(): Promise<Running[]> {
  const folder = join(cacheFolder(), 'running')
  const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.json'))
  const notes = await Promise.all(
    files.map(async (file) => {
      const running = await readNote(join(folder, file))
      if (running && (await isAlive(running))) return [running]
      await rm(join(folder, file), { force: true })
      return []
    }),
  )
  return notes.flat()
}

/** Undefined when it is gone or cannot be read, as after the machine lost power. */
async function readNote(file: string): Promise<Running | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}

function runsAlready({ pid }: Identity, state: string): string {
  return `A Clew already runs in ${state} (process ${pid}): stop it with npm run stop -- --state "${state}", or start another with --state and --port-offset.`
}
