import { startPlatform } from '../../launcher/platform.ts'
import { prepareLoad } from './tracing-load.ts'
const mode = process.argv[2], route = process.argv[3] ?? 'profile read, cached'
const p = await startPlatform({ portOffset: 13000, state: '.clew/bench/x', fresh: true, telemetry: mode, env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=/tmp/prof-${mode}` } })
const load = await prepareLoad(p, 9000)
const pid = p.pid('profile')
console.log('profile pid', pid)
await load(route, route==='follow'? 30000 : 40000)
await p[Symbol.asyncDispose]()
