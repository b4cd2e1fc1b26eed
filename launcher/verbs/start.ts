import { parseArgs } from 'node:util'
import { startPlatform } from '../platform.ts'

export async function start(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      state: { type: 'string' },
      'port-offset': { type: 'string' },
    },
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
  const t = performance.now()
  await using platform = await startPlatform({
    ...(values.state && { state: values.state }),
    ...(values.only && { only: values.only.split(',') }),
    portOffset: Number(values['port-offset'] ?? 0),
    tell: (change) =>
      console.log((performance.now() - t).toFixed(0), change.name, change.state, change.detail),
    onStopRequest: () => resolve(),
  })
  console.log(platform.urls)
  await promise
  return 0
}
