import { watch } from 'node:fs'
import type { Change, Part } from './supervisor.ts'

/** A part that runs our source, and the folders of it; absolute paths. */
export type Watched = { part: Part; folders: string[] }

// A save is several events, and an editor may save several files.
const quietMs = 150

/**
 * Starts a part again whenever a file of its source changes, until disposed. One that does not come
 * up stays down until the next change; one that a person has stopped stays so.
 * @param tell hears of each change before the part's own changes of state
 */
export function watchSources(watched: Watched[], tell: (change: Change) => void): Disposable {
  const closed = new AbortController()
  const { signal } = closed
  const folders = Map.groupBy(
    watched.flatMap(({ part, folders }) => folders.map((folder) => ({ part, folder }))),
    ({ folder }) => folder,
  )
  const restarts = new Map(
    watched.map(({ part }) => [part, settled(() => again(part), quietMs, signal)]),
  )
  const last = new Map<Part, Promise<void>>()

  function again(part: Part): void {
    const { name, state } = part.status()
    if (state === 'stopped' || state === 'stopping') return
    tell({ name, state: 'starting', detail: 'changed, starting again' })
    last.set(part, startAgain(part, last.get(part)))
  }

  async function startAgain(part: Part, before: Promise<void> | undefined): Promise<void> {
    // A start that is under way, with source that is already old, gives up here.
    await part.stop()
    await before
    // Why it did not come up is told by its change of state.
    if (!signal.aborted) await part.start().catch(() => undefined)
  }

  for (const [folder, parts] of folders) {
    watch(folder, { recursive: true, signal }, (_, file) => {
      if (!file || !isSource(file)) return
      for (const { part } of parts) restarts.get(part)?.()
    })
  }
  return { [Symbol.dispose]: () => closed.abort() }
}

function isSource(file: string): boolean {
  return /\.(ts|js|json)$/.test(file) && !/\.test\.ts$|(^|\/)(test|node_modules)\//.test(file)
}

/** The action, once nobody has asked for it for a while. */
function settled(action: () => void, ms: number, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined
  signal.addEventListener('abort', () => clearTimeout(timer))
  return () => {
    clearTimeout(timer)
    timer = setTimeout(action, ms)
  }
}
