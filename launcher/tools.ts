import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type DebianPackages, hasDebianPackages, unpackedTool, unpackPackages } from './debian.ts'
import { Refusal } from './refusal.ts'

/** A program that npm does not bring: how it is called, and where to get it. */
type Source = {
  binary: string
  versionFlag: string
  atLeast: [major: number, minor: number]
  brew: string
  debian: DebianPackages
}

const table = {
  nginx: {
    binary: 'nginx',
    versionFlag: '-v',
    atLeast: [1, 22],
    brew: 'nginx',
    // Older releases keep the binary in nginx-core.
    debian: { binary: 'usr/sbin/nginx', packages: ['nginx'], ifKnown: ['nginx-core'] },
  },
  redis: {
    binary: 'redis-server',
    versionFlag: '--version',
    // 7.0 brought the selectors with which each service is held to its own keys.
    atLeast: [7, 0],
    brew: 'redis',
    debian: {
      binary: 'usr/bin/redis-server',
      packages: ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1'],
      ifKnown: ['lua-cjson', 'lua-bitop', 'liblua5.1-0'],
    },
  },
  prometheus: {
    binary: 'prometheus',
    versionFlag: '--version',
    atLeast: [2, 30],
    brew: 'prometheus',
    debian: {
      binary: 'usr/bin/prometheus',
      // Its pages link to scripts and fonts that Debian keeps apart.
      packages: [
        'prometheus',
        'fonts-glyphicons-halflings',
        'libjs-bootstrap4',
        'libjs-d3',
        'libjs-eonasdan-bootstrap-datetimepicker',
        'libjs-jquery',
        'libjs-jquery-hotkeys',
        'libjs-moment',
        'libjs-moment-timezone',
        'libjs-mustache',
        'libjs-popper.js',
        'libjs-rickshaw',
      ],
      ifKnown: [],
    },
  },
} satisfies Record<string, Source>

export type ToolName = keyof typeof table
/**
 * An executable that was run once and answered; `env` holds what its own libraries need, and
 * `unpacked` is the root of the packages it came from, when they were not installed.
 */
export type Tool = { file: string; env: Record<string, string>; unpacked?: string }
export type Tools = Partial<Record<ToolName, Tool>>

type Places = { path: string; cache: string }

const run = promisify(execFile)

// Ordinary users of Debian have no sbin on their PATH, and NGINX lives there.
const usualFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin']

/** Where downloaded tools are kept; deleting it costs only the next download. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'clew')
}

/**
 * Finds each tool on PATH, else in the cache, else as a Debian package that it unpacks there.
 * @param tell hears what is being fetched, as fetching takes seconds
 * @throws Refusal when a tool is to be had nowhere; it says how to install the missing ones
 */
export async function findTools(
  names: ToolName[],
  tell: (progress: string) => void,
  places: Places = { path: process.env.PATH ?? '', cache: cacheFolder() },
): Promise<Tools> {
  const found = await Promise.all(names.map((name) => findTool(name, places)))
  const tools: Tools = {}
  for (const [index, name] of names.entries()) if (found[index]) tools[name] = found[index]
  const missing = names.filter((name) => !tools[name])
  if (missing.length === 0) return tools
  if (!(await hasDebianPackages(places.path))) throw new Refusal(howToInstall(missing))
  await unpackPackages(
    missing.map((name) => table[name].debian),
    places.cache,
    tell,
  )
  for (const name of missing) {
    const tool = await findUnpacked(name, places.cache)
    if (tool) tools[name] = tool
  }
  const lost = missing.filter((name) => !tools[name])
  if (lost.length > 0) throw new Refusal(howToInstall(lost))
  return tools
}

async function findTool(name: ToolName, places: Places): Promise<Tool | undefined> {
  const { binary } = table[name]
  const folders = places.path === '' ? [] : [...places.path.split(':'), ...usualFolders]
  for (const folder of folders) {
    const tool = { file: join(folder, binary), env: {} }
    if (await isUsable(name, tool)) return tool
  }
  return findUnpacked(name, places.cache)
}

async function findUnpacked(name: ToolName, cache: string): Promise<Tool | undefined> {
  const tool = unpackedTool(table[name].debian, cache)
  return (await isUsable(name, tool)) ? tool : undefined
}

/** Present, able to run here, and new enough. */
async function isUsable(name: ToolName, { file, env }: Tool): Promise<boolean> {
  const { versionFlag, atLeast } = table[name]
  try {
    await access(file, constants.X_OK)
    const { stdout, stderr } = await run(file, [versionFlag], { env: { ...process.env, ...env } })
    const [, major, minor] = /(\d+)\.(\d+)/.exec(stdout + stderr) ?? []
    const [wantedMajor, wantedMinor] = atLeast
    return (
      Number(major) > wantedMajor || (Number(major) === wantedMajor && Number(minor) >= wantedMinor)
    )
  } catch {
    return false
  }
}

function howToInstall(missing: ToolName[]): string {
  const wanted = missing.map((name) => `${name} ${table[name].atLeast.join('.')} or newer`)
  const formulas = missing.map((name) => table[name].brew).join(' ')
  const remedy =
    process.platform === 'darwin'
      ? `run: brew install ${formulas}`
      : `install it with your system's package manager so that it is on PATH, then run this again`
  return `Not found and not to be had as Debian packages: ${wanted.join(', ')}; ${remedy}.`
}
