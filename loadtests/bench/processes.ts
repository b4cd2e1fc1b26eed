import { readdirSync, readFileSync } from 'node:fs'

// The kernel counts processor time in ticks of 10 ms (USER_HZ, fixed at 100 on Linux).
const tickMicros = 10_000
const pageBytes = 4_096

type Entry = { pid: number; parent: number; cpuMicros: number }

/** Processor time a process and all its descendants have used so far, in microseconds. Linux only. */
export function cpuMicrosOf(pid: number): number {
  return familyOf(pid).reduce((sum, entry) => sum + entry.cpuMicros, 0)
}

/** Memory a process and its descendants hold, in MB; what they share is counted once (PSS). Linux only. */
export function memoryMegabytesOf(pid: number): number {
  const kilobytes = familyOf(pid).map((entry) => {
    const rollup = readFileSync(`/proc/${entry.pid}/smaps_rollup`, 'utf8')
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
  })
  return kilobytes.reduce((sum, kb) => sum + kb, 0) / 1024
}

/** As above, but pages that are shared are counted in each (RSS): quick enough to be asked often. */
export function watchMemory(pid: number): () => number {
  const pids = familyOf(pid).map((entry) => entry.pid)
  return () =>
    pids.reduce((sum, each) => {
      const [, pages] = readFileSync(`/proc/${each}/statm`, 'utf8').split(' ')
      return sum + (Number(pages) * pageBytes) / 1024 / 1024
    }, 0)
}

function familyOf(pid: number): Entry[] {
  const entries = readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) ? readEntry(Number(name)) : [],
  )
  const family = entries.filter((entry) => entry.pid === pid)
  for (const member of family)
    family.push(...entries.filter((entry) => entry.parent === member.pid))
  return family
}

function readEntry(pid: number): Entry[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in parentheses, may hold spaces; what follows is split by them.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = [11, 12, 13, 14]
      .map((at) => Number(fields[at]))
      .reduce((sum, value) => sum + value, 0)
    return [{ pid, parent: Number(fields[1]), cpuMicros: ticks * tickMicros }]
  } catch {
    return [] // It ended meanwhile.
  }
}
