import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const version = 1

// A trace is one row with its summary ready to send; each batch adds one part to it: an index of its
// spans for searching (pack.ts) and their OTLP JSON, which is never parsed again to answer a fetch.
// A part's number is its trace's times a million plus its place, so that a trace's parts lie together
// without an index of their own. `presence` finds traces by service and time; service 0 is any.
const schema = `
  create table service (no integer primary key, name text not null unique) strict;
  create table operation (
    no integer primary key, service integer not null, name text not null, kind integer not null,
    unique (service, name, kind)
  ) strict;
  create table trace (
    no integer primary key, id blob not null unique, owner integer not null, parts integer not null,
    spans integer not null, bytes integer not null, incomplete integer not null,
    summary text not null
  ) strict;
  create index trace_owner on trace (owner);
  create table part (no integer primary key, pack blob not null, spans blob not null) strict;
  create table presence (
    service integer not null, started integer not null, trace integer not null,
    last integer not null, primary key (service, started, trace)
  ) strict, without rowid;
  create table edge (
    minute integer not null, parent integer not null, child integer not null,
    calls integer not null, primary key (minute, parent, child)
  ) strict, without rowid;
  create table evicted (no integer primary key, id blob not null unique) strict;
`

export const partsPerTrace = 1_000_000

/**
 * Opens the database for the one thread that writes; the folder is the owner's alone.
 * @throws Error when the folder cannot be written, or was written by a later version of lens
 */
export function openDatabase(folder: string): DatabaseSync {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  const database = new DatabaseSync(databasePath(folder))
  database.exec('pragma page_size = 8192; pragma auto_vacuum = incremental')
  // NORMAL in WAL mode survives the death of the process, not always that of the machine:
  // the right price for traces of a platform on one's own desk.
  database.exec('pragma journal_mode = wal; pragma synchronous = normal')
  database.exec('pragma wal_autocheckpoint = 2000; pragma journal_size_limit = 67108864')
  database.exec('pragma cache_size = -16384; pragma temp_store = memory')
  const found = Number(database.prepare('pragma user_version').get()!.user_version)
  if (found > version) throw new Error(`${folder} was written by a later version of lens.`)
  if (found === 0) database.exec(`begin; ${schema} pragma user_version = ${version}; commit`)
  return database
}

/** Opens the same database for a thread that only reads. */
export function openForReading(folder: string): DatabaseSync {
  const database = new DatabaseSync(databasePath(folder), { readOnly: true })
  database.exec('pragma cache_size = -8192')
  return database
}

function databasePath(folder: string): string {
  return join(folder, 'traces.db')
}
