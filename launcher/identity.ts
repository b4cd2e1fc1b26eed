import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** A process beyond doubt: the system reuses a pid, but not with the same moment of start. */
export type Identity = { pid: number; start: string }

const run = promisify(execFile)

/** When the process began, in the system's own words; undefined when there is no such process. */
export async function readStart(pid: number): Promise<string | undefined> {
  try {
    if (process.platform !== 'linux') {
      const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)])
      return stdout.trim() || undefined
    }
    const stat = await readStat(pid)
    // A zombie has ended; it only waits for its parent to notice.
    return stat.state === 'Z' ? undefined : `${stat.start}@${await bootId()}`
  } catch {
    return undefined
  }
}

export async function isAlive({ pid, start }: Identity): Promise<boolean> {
  return (await readStart(pid)) === start
}

/** Writes who runs to a pid file; gone already is not worth a file. */
export async function recordIdentity(file: string, pid: number): Promise<void> {
  const start = await readStart(pid)
  if (start) await writeFile(file, `${JSON.stringify({ pid, start })}\n`)
}

/** @returns undefined when the file is absent or not ours */
export async function readIdentity(file: string): Promise<Identity | undefined> {
  try {
    const { pid, start } = JSON.parse(await readFile(file, 'utf8'))
    return Number.isInteger(pid) && typeof start === 'string' ? { pid, start } : undefined
  } catch {
    return undefined
  }
}

/**
 * Who is left of the process group that `leader` led: NGINX's workers outlive a killed master.
 * While any of them lives the system gives the leader's pid to nobody else.
 */
export async function orphansOf(leader: Identity): Promise<number[]> {
  if (process.platform !== 'linux' || (await readStart(leader.pid))) return []
  const [start, boot] = leader.start.split('@')
  if (boot !== (await bootId())) return []
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readStat(pid).catch(() => undefined)
      const belongs = stat && stat.group === leader.pid && stat.start >= Number(start)
      return belongs && stat.state !== 'Z' ? [pid] : []
    }),
  )
  return found.flat()
}

async function readStat(pid: number) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in brackets and may hold spaces and brackets itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], group: Number(fields[2]), start: Number(fields[19]) }
}

let boot: Promise<string> | undefined

function bootId(): Promise<string> {
  boot ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((id) => id.trim())
  return boot
}
