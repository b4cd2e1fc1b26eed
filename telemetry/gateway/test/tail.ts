import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { end, type Gateway } from './gateway.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** The real process, following the log of a gateway. Dispose ends it as the launcher does. */
export async function startTailProcess(gateway: Gateway) {
  const { ports, paths } = gateway
  const child: ChildProcess = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      GATEWAY_LOG: paths.log,
      GATEWAY_CURSOR: paths.cursor,
      GATEWAY_RUN: paths.run,
      GATEWAY_HEALTH_PORT: String(ports.health),
      GATEWAY_REDIS_URL: JSON.parse(process.env.CLEW_TEST_PLATFORM ?? '{}').redis,
      AUTH_URL: `http://127.0.0.1:${ports.auth}`,
      PROFILE_URL: `http://127.0.0.1:${ports.profile}`,
      FEED_URL: `http://127.0.0.1:${ports.feed}`,
      FEED_WORKER_URL: `http://127.0.0.1:${ports.feed}`,
      MESSAGING_URL: `http://127.0.0.1:${ports.messaging}`,
      MESSAGING_2_URL: `http://127.0.0.1:${ports.messaging2}`,
      MEDIA_URL: `http://127.0.0.1:${ports.media}`,
      MEDIA_WORKER_URL: `http://127.0.0.1:${ports.media}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${ports.lens}`,
      CLEW_ENVIRONMENT: 'test',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const livez = `http://127.0.0.1:${ports.health}/livez`
  while (!(await fetch(livez).catch(() => undefined))) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    kill: () => end(child, 'SIGKILL'),
    exitCode: () => child.exitCode,
    [Symbol.asyncDispose]: () => end(child, 'SIGTERM'),
  }
}
