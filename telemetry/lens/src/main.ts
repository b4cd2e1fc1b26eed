import { listen, run } from '@clew/kit/lifecycle'
import { readConfig } from './config.ts'
import { createCounters } from './counters.ts'
import { publishCounters } from './gauges.ts'
import { openMetrics } from './metrics/server.ts'
import { createOtlpServer } from './otlp/server.ts'
import { openQuery } from './query/open-query.ts'
import { openStore } from './store/store.ts'

await run('lens', async ({ own, log }) => {
  const { host, folder, limits, ...ports } = readConfig(process.env)
  const { statsdPort, metricsPort } = ports
  const metrics = own(await openMetrics({ statsdPort, metricsPort, host }))
  const counters = createCounters()
  own(publishCounters(counters, metrics))
  const store = own(openStore(folder, limits, counters))
  own(await listen(createOtlpServer({ store, counters, metrics, log }), ports.otlpPort, host))
  own(await openQuery({ folder, port: ports.queryPort, host, counters, log }))
})
