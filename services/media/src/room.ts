export type Room = <Result>(work: () => Promise<Result>) => Promise<Result>

/** Runs at most `atOnce` pieces of work at a time; the others wait their turn. */
export function createRoom(atOnce: number): Room {
  const waiting: (() => void)[] = []
  let free = atOnce
  return async (work) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}
