import { readFileSync } from 'node:fs'
process.env.CLEW_TEST_WHOLE_PLATFORM = readFileSync('/tmp/j/platform.json','utf8')
const { findSpans, readTrace } = await import('./lens.ts')
const { toTraceSpans } = await import('./trace.ts')
const { urls } = JSON.parse(process.env.CLEW_TEST_WHOLE_PLATFORM)
const root = process.argv[2]
const all = process.argv[3] === 'id' ? [root] : (await (await fetch(`${urls.query}/api/v3/trace-summaries?query.num_traces=9999`)).json()).summaries.filter((s: any) => JSON.stringify(s).includes(root)).slice(0, Number(process.argv[3] ?? 1)).map((s: any) => s.traceId)
for (const id of all) {
  const t = await readTrace(id)
  const t0 = t[0]!.start
  const ids = new Set(t.map((s) => s.id))
  const p = (s: any, d: number) => {
    const a = Object.entries(s.attributes).filter(([k]) => !/clew.run|synthetic|db.query.text|server\.|db.namespace|db.system|url.scheme|operation/.test(k)).map(([k, v]: any) => `${k}=${v.value}`).join(' ')
    console.log(`${'  '.repeat(d)}${s.service} ${s.kind} ${s.name} [${Number(s.start - t0) / 1e6}..${Number(s.end - t0) / 1e6}] ${s.status === 'error' ? 'ERROR' : ''} ${a.slice(0, 400)} ${s.links.length ? `links=${s.links.length}` : ''} ${s.events.map((e: any) => e.name + JSON.stringify(Object.fromEntries(Object.entries(e.attributes).filter(([k])=>!/stack/.test(k)).map(([k,v]: any)=>[k,v.value])))).join(' ')}`)
    for (const c of t.filter((x) => x.parentId === s.id)) p(c, d + 1)
  }
  for (const s of t.filter((s) => !ids.has(s.parentId))) p(s, 0)
  console.log()
}
