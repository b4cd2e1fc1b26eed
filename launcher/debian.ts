import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, constants, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { Refusal } from './refusal.ts'
import type { Tool } from './tools.ts'

/** `ifKnown` are packages that some releases need and others do not have. */
export type DebianPackages = { binary: string; packages: string[]; ifKnown: string[] }

const run = promisify(execFile)
const triplets: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
}

/** Whether packages can be had here: Debian, Ubuntu and their kin. */
export async function hasDebianPackages(path: string): Promise<boolean> {
  const has = async (name: string) => {
    const tries = path.split(delimiter).map((folder) => access(join(folder, name), constants.X_OK))
    return (await Promise.allSettled(tries)).some(({ status }) => status === 'fulfilled')
  }
  return (await has('apt-get')) && (await has('dpkg'))
}

/** Where a tool of these packages stands once they are unpacked. */
export function unpackedTool(wanted: DebianPackages, cache: string): Tool {
  const folder = unpackedFolder(wanted, cache)
  const triplet = triplets[process.arch] ?? ''
  const libraries = ['usr/lib', 'lib'].map((part) => join(folder, part, triplet))
  return {
    file: join(folder, wanted.binary),
    env: { LD_LIBRARY_PATH: libraries.join(delimiter) },
    unpacked: folder,
  }
}

/**
 * Downloads packages with apt and unpacks each set into the cache, without root and without
 * touching the system: apt gets package lists and a download folder of its own.
 * A set appears under its final name only when whole, so that two launchers may do this at once.
 * @throws Refusal when apt fails, with apt's own last words
 */
export async function unpackPackages(
  sets: DebianPackages[],
  cache: string,
  tell: (progress: string) => void,
): Promise<void> {
  await mkdir(cache, { recursive: true })
  const workplace = await mkdtemp(join(cache, 'unpack-'))
  try {
    tell('reading the Debian package lists')
    const options = await prepareApt(workplace)
    // A source that is out of reach fails the update as a whole while the others are there.
    await run('apt-get', [...options, 'update']).catch(() => undefined)
    const known = await keepKnown(
      sets.flatMap((set) => set.ifKnown),
      options,
    )
    const names = [...sets.flatMap((set) => set.packages), ...known]
    tell(`downloading ${names.length} packages`)
    const downloads = await mkdtemp(join(workplace, 'download-'))
    await run('apt-get', [...options, 'download', ...names], { cwd: downloads })
    tell('unpacking')
    await Promise.all(sets.map((set) => unpackSet(set, cache, workplace, downloads)))
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    if (stderr === undefined) throw error
    const words = stderr.trim().split('\n').at(-1)
    throw new Refusal(
      `The Debian packages ${sets.map((set) => set.packages[0]).join(', ')} could not be fetched (${words}): check the network, or install them so that they are on PATH.`,
      { cause: error },
    )
  } finally {
    await rm(workplace, { recursive: true, force: true })
  }
}

async function unpackSet(
  set: DebianPackages,
  cache: string,
  workplace: string,
  downloads: string,
): Promise<void> {
  const folder = await mkdtemp(join(workplace, 'folder-'))
  const names = [...set.packages, ...set.ifKnown]
  for (const file of await readdir(downloads)) {
    const [name = ''] = file.split('_')
    if (names.includes(name)) await run('dpkg', ['-x', join(downloads, file), folder])
  }
  await rename(folder, unpackedFolder(set, cache)).catch((error) => {
    // Another launcher was faster; what it unpacked is the same.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
}

/** Those of the packages that this release has. */
async function keepKnown(names: string[], options: string[]): Promise<string[]> {
  const { stdout } = await run('apt-cache', [...options, 'madison', ...names])
  const known = new Set(stdout.split('\n').map((line) => line.split('|')[0]?.trim()))
  return names.filter((name) => known.has(name))
}

async function prepareApt(workplace: string): Promise<string[]> {
  const lists = join(workplace, 'lists')
  const archives = join(workplace, 'archives')
  await mkdir(join(lists, 'partial'), { recursive: true })
  await mkdir(join(archives, 'archives', 'partial'), { recursive: true })
  const settings = {
    'Dir::State::lists': lists,
    'Dir::Cache': archives,
    'Debug::NoLocking': '1',
    // As root apt would download as user _apt, who cannot enter our folder.
    'APT::Sandbox::User': 'root',
    // The lists of translations, icons and contents are most of the bytes and never read here.
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled': 'false',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

/** One folder per set and release: after an upgrade of the system, fresh packages. */
function unpackedFolder(set: DebianPackages, cache: string): string {
  const fingerprint = createHash('sha256').update(
    `${JSON.stringify(set)} ${process.arch} ${release}`,
  )
  return join(cache, `${set.packages[0]}-${fingerprint.digest('hex').slice(0, 12)}`)
}

const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
