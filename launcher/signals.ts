const repeatMs = 1_000
const lookMs = 500

/**
 * Hears the wish to stop. The first signal stops in good order; one that comes a second later or more
 * means now. In between they are copies: a terminal signals the whole group, and npm passes it on.
 * npm that is ended by SIGTERM passes it to a shell, which just ends; then we find ourselves orphaned.
 */
export function hearSignals(stop: () => void, insist: () => void): void {
  let first: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const now = performance.now()
      if (first === undefined) stop()
      else if (now - first > repeatMs) insist()
      first ??= now
    })
  }
  const parent = process.ppid
  if (process.env.npm_lifecycle_event) {
    setInterval(() => process.ppid !== parent && stop(), lookMs).unref()
  }
}
