import type { DatabaseSync } from 'node:sqlite'

export type Operation = { no: number; service: number; name: string; kind: number }
export type Dictionary = {
  service(name: string): number
  serviceName(no: number): string
  operation(service: number, name: string, kind: number): number
  operationOf(no: number): Operation
  /** Forgets what it knows by heart, after a transaction that was rolled back. */
  forget(): void
}

const remembered = 20_000

/** Services and operations as numbers. The database has them all, memory the ones in use. */
export function openDictionary(database: DatabaseSync): Dictionary {
  const services = new Map<string, number>()
  const names = new Map<number, string>()
  const operations = new Map<number, Map<string, number>>()
  const byNumber = new Map<number, Operation>()
  const addService = database.prepare(
    'insert into service (name) values (?) on conflict do update set name = name returning no',
  )
  const addOperation = database.prepare(
    `insert into operation (service, name, kind) values (?, ?, ?)
     on conflict do update set name = name returning no`,
  )
  const findService = database.prepare('select name from service where no = ?')
  const findOperation = database.prepare(
    'select no, service, name, kind from operation where no = ?',
  )

  return {
    service(name) {
      const known = services.get(name)
      if (known) return known
      const { no } = addService.get(name) as { no: number }
      services.set(name, no)
      names.set(no, name)
      return no
    },
    serviceName(no) {
      const known = names.get(no)
      if (known !== undefined) return known
      const { name } = findService.get(no) as { name: string }
      names.set(no, name)
      return name
    },
    operation(service, name, kind) {
      const key = service * 8 + (kind & 7)
      let own = operations.get(key)
      if (!own) {
        own = new Map()
        operations.set(key, own)
      }
      const known = own.get(name)
      if (known) return known
      // Names that carry ids would otherwise fill the memory.
      if (own.size >= remembered) own.clear()
      if (byNumber.size >= remembered) byNumber.clear()
      const { no } = addOperation.get(service, name, kind) as { no: number }
      own.set(name, no)
      byNumber.set(no, { no, service, name, kind })
      return no
    },
    operationOf(no) {
      return byNumber.get(no) ?? (findOperation.get(no) as Operation)
    },
    forget() {
      for (const map of [services, names, operations, byNumber]) map.clear()
    },
  }
}
