import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'

const nice = 10

/**
 * Lets every other process go first. On Linux each thread has a priority of its own, which those it
 * starts inherit: the threads that decode pictures are here before this line runs.
 */
export function stepBack(): void {
  for (const thread of threadsOfOurs()) {
    try {
      setPriority(thread, nice)
    } catch (error) {
      // It ended meanwhile.
      if ((error as { info?: { code?: string } }).info?.code !== 'ESRCH') throw error
    }
  }
}

function threadsOfOurs(): number[] {
  return process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [0]
}
