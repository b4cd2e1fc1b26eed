import type { DatabaseSync } from 'node:sqlite'
import { unpack } from './pack.ts'

/** Names that carry ids grow without end; fewer than this are not worth reading every part for. */
const manyOperations = 20_000

/**
 * Drops the names that no stored trace uses any more. For the start, when nothing is known by heart:
 * the numbers of services and operations may be given to others afterwards.
 */
export function sweepNames(database: DatabaseSync): void {
  database.exec('begin immediate')
  try {
    database.exec(`
      delete from operation where not exists
        (select 1 from presence where presence.service = operation.service);
      delete from service where not exists (select 1 from presence where service = service.no)
        and no not in (select parent from edge) and no not in (select child from edge);
    `)
    const { count } = database.prepare('select count(*) as count from operation').get()!
    if (Number(count) > manyOperations) sweepOperations(database)
    database.exec('commit')
  } catch (error) {
    database.exec('rollback')
    throw error
  }
}

function sweepOperations(database: DatabaseSync): void {
  const unused = new Set<number>()
  for (const { no } of database.prepare('select no from operation').iterate())
    unused.add(Number(no))
  for (const { pack } of database.prepare('select pack from part').iterate()) {
    for (const { operation } of unpack(pack as Uint8Array)) unused.delete(operation)
  }
  const drop = database.prepare('delete from operation where no = ?')
  for (const no of unused) drop.run(no)
}
