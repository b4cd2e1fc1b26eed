// Plain JavaScript for Node 20 without any dependency: on a fresh clone there is nothing else yet.
import { spawn } from 'node:child_process'
import { readFileSync, realpathSync, statfsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules', '.bin')
const node = join(bin, 'node')
const neededMegabytes = 900

/**
 * Installs the locked dependencies unless they are there, then goes on in launcher/main.ts under the
 * project's own Node. Signals pass through and the exit code is kept.
 * @param {string[]} args the verb and its words
 */
export async function run(args) {
  try {
    if (!isInstalled(root)) await install()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
    return
  }
  process.env.PATH = bin + delimiter + process.env.PATH
  if (realpathSync(process.execPath) === realpathSync(node)) await import('./main.ts')
  else handOver(args)
}

/**
 * Whether node_modules holds what the lockfile says. npm keeps a lockfile of its own in there; what
 * it may lack are packages for other systems.
 * @param {string} folder with package-lock.json and node_modules
 */
export function isInstalled(folder) {
  try {
    const wanted = readPackages(join(folder, 'package-lock.json'))
    const present = readPackages(join(folder, 'node_modules', '.package-lock.json'))
    realpathSync(join(folder, 'node_modules', '.bin', 'node'))
    return Object.entries(wanted).every(([path, { optional, version }]) => {
      if (path === '') return true
      return present[path] ? present[path].version === version : optional
    })
  } catch {
    return false
  }
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages
}

async function install() {
  const { bavail, bsize } = statfsSync(root)
  const free = Math.floor((bavail * bsize) / 1e6)
  if (free < neededMegabytes) {
    throw new Error(
      `The disk that holds ${root} has ${free} MB left and the dependencies need ${neededMegabytes}: free some space, then run this again.`,
    )
  }
  const done = showProgress('Installing the locked dependencies with npm ci')
  const { code, output } = await runNpm(['ci', '--include=dev', '--include=optional', '--no-audit'])
  done(code === 0 ? 'done' : 'failed')
  if (code !== 0) throw new Error(explain(output))
  if (isInstalled(root)) return
  throw new Error(
    'npm ci finished without the node program in node_modules/.bin: npm is probably told not to run install scripts; allow them (npm config set ignore-scripts false), then run this again.',
  )
}

/** The npm that runs us, else the one on PATH. */
function runNpm(args) {
  const path = process.env.npm_execpath
  const words = [...args, '--no-fund', '--loglevel=error']
  const [file, all] =
    path && /npm-cli\.js$/.test(path) ? [process.execPath, [path, ...words]] : ['npm', words]
  const child = spawn(file, all, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (bytes) => (output += bytes))
  child.stderr.on('data', (bytes) => (output += bytes))
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 1, output: error.message }))
    child.on('close', (code) => resolve({ code, output }))
  })
}

function explain(output) {
  if (/ENOSPC/.test(output)) {
    return 'The disk became full while npm installed the dependencies: free some space, then run this again.'
  }
  const lines = output.trim().split('\n').slice(0, 12).join('\n    ')
  return `npm could not install the dependencies; check the network, then run this again. npm said:\n    ${lines}`
}

/** A line that counts seconds on a terminal; elsewhere one line now, and one at the end. */
function showProgress(what) {
  const began = Date.now()
  const seconds = () => Math.round((Date.now() - began) / 1000)
  if (!process.stdout.isTTY) {
    process.stdout.write(`${what}, which takes a minute at most the first time\n`)
    return (end) => process.stdout.write(`${end} after ${seconds()} s\n`)
  }
  const draw = (end = '') => process.stdout.write(`\r\x1b[K${what} ... ${seconds()} s ${end}`)
  const timer = setInterval(draw, 1000)
  draw()
  return (end) => {
    clearInterval(timer)
    draw(`${end}\n`)
  }
}

function handOver(args) {
  const child = spawn(node, [join(root, 'launcher', 'main.ts'), ...args], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // npm that is ended by SIGTERM passes it to a shell, which just ends.
  const parent = process.ppid
  setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 500).unref()
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
