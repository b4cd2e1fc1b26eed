import { anyService, presenceMicros } from '../store/presence.ts'
import { openForReading, partsPerTrace } from '../store/schema.ts'

export type Reader = ReturnType<typeof openReader>
export type OperationName = { name: string; spanKind: string }

export const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer']

/** What can be asked of the stored traces, by one thread that only reads. */
export function openReader(folder: string) {
  const database = openForReading(folder)
  const prepare = (sql: string) => database.prepare(sql)
  const services = prepare(
    `select name from service
     where exists (select 1 from presence where service = service.no) order by name`,
  )
  const service = prepare('select no from service where name = ?')
  const operations = prepare(
    'select distinct name, kind from operation where service = ? order by name, kind',
  )
  const named = prepare('select no from operation where service = ? and name = ?')
  const ofService = prepare('select no from operation where service = ?')
  const ofName = prepare('select no from operation where name = ?')
  const traceNo = prepare('select no from trace where id = ?')
  const summary = prepare('select summary from trace where no = ?')
  const parts = prepare('select pack, spans from part where no >= ? and no < ? order by no')
  const packs = prepare('select pack from part where no >= ? and no < ? order by no')
  const texts = prepare('select spans from part where no >= ? and no < ? order by no')
  const presence = prepare(
    `select trace, started, last from presence
     where service = ? and started < ? and started > ? and last >= ? order by started desc`,
  )
  const edges = prepare(
    `select parent.name as parent, child.name as child, sum(calls) as callCount
     from edge join service parent on parent.no = edge.parent
       join service child on child.no = edge.child
     where minute between ? and ? group by edge.parent, edge.child order by 1, 2`,
  )
  const range = (no: number) => [no * partsPerTrace, (no + 1) * partsPerTrace] as const

  return {
    services: () => services.all().map(({ name }) => name as string),
    serviceNo: (name: string) => service.get(name)?.no as number | undefined,
    operations(name: string): OperationName[] {
      const no = this.serviceNo(name)
      if (no === undefined) return []
      return operations.all(no).map(({ name, kind }) => ({
        name: name as string,
        spanKind: kinds[kind as number] ?? 'internal',
      }))
    },
    /** The numbers of the operations that a service and a name narrow down to; nothing when neither is given. */
    operationNos(service: number | undefined, name: string | undefined): Set<number> | undefined {
      if (service === undefined && name === undefined) return undefined
      const rows =
        service === undefined
          ? ofName.all(name!)
          : name === undefined
            ? ofService.all(service)
            : named.all(service, name)
      return new Set(rows.map(({ no }) => no as number))
    },
    traceNo: (id: Uint8Array) => traceNo.get(id)?.no as number | undefined,
    summary: (no: number) => summary.get(no)?.summary as string | undefined,
    /** The trace's OTLP JSON: texts in UTF-8 which, joined by commas, are the entries of `resourceSpans`. */
    texts: (no: number) => texts.all(...range(no)).map(({ spans }) => spans as Uint8Array),
    packs: (no: number) => packs.all(...range(no)).map(({ pack }) => pack as Uint8Array),
    parts: (no: number) => parts.all(...range(no)) as { pack: Uint8Array; spans: Uint8Array }[],
    /** Traces with spans of a service that start in the window (microseconds), the newest first. */
    presence(service: number | undefined, from: number, before: number) {
      const reach = from === 0 ? -1 : from - presenceMicros
      return presence.iterate(service ?? anyService, before, reach, from) as Iterable<{
        trace: number
        started: number
        last: number
      }>
    },
    dependencies(fromMinute: number, toMinute: number) {
      return edges.all(fromMinute, toMinute) as {
        parent: string
        child: string
        callCount: number
      }[]
    },
    ready: () => prepare('select 1').get() !== undefined,
    [Symbol.dispose]: () => database.close(),
  }
}
