import type { Row } from './processes.ts'

/**
 * The rows to run when only some are asked for: these, what they need, and every step whose needs
 * are then met (asking for Postgres brings the databases and their tables).
 * @throws RangeError naming a row that does not exist
 */
export function selectRows(rows: Row[], names: string[]): Row[] {
  const byName = new Map(rows.map((row) => [row.name, row]))
  const chosen = new Set<string>()
  const add = (name: string) => {
    const row = byName.get(name)
    if (!row) throw new RangeError(name)
    if (chosen.has(name)) return
    chosen.add(name)
    row.needs.forEach(add)
  }
  names.forEach(add)
  const steps = rows.filter((row) => !row.command)
  // A step may need another step, so once more for each.
  for (const _ of steps) {
    for (const { name, needs } of steps) {
      if (needs.length > 0 && needs.every((need) => chosen.has(need))) add(name)
    }
  }
  return rows.filter((row) => chosen.has(row.name))
}

/**
 * Runs an action for every row, each as soon as it has run for all rows it waits for; rows that do
 * not wait for each other run side by side. After a failure, or once the
 * signal is given, no further action begins.
 * @throws the first failure, once everything begun has settled
 */
export async function inOrder(
  rows: Row[],
  waitsFor: (row: Row) => string[],
  action: (row: Row) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const failures: unknown[] = []
  const runs = new Map<string, Promise<void>>()
  const run = (row: Row): Promise<void> => {
    const before = rows.filter(({ name }) => waitsFor(row).includes(name))
    const promise =
      runs.get(row.name) ??
      Promise.all(before.map(run))
        .then(() => (failures.length === 0 && !signal?.aborted ? action(row) : undefined))
        .catch((error) => void failures.push(error))
    runs.set(row.name, promise)
    return promise
  }
  await Promise.all(rows.map(run))
  if (failures.length > 0) throw failures[0]
}

/** Who must have stopped before this row may: those that need it. */
export function dependents(rows: Row[], row: Row): string[] {
  return rows.filter(({ needs }) => needs.includes(row.name)).map(({ name }) => name)
}
