import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAuth } from '@clew/tests/neighbours'
import { findPort, startProcess, waitUntil } from '@clew/tests/one-service'
import { expect, test } from 'vitest'

const id = '019aa3f0-0000-7000-8000-000000000001'

test('while no news of ended sessions arrive, auth is asked who may see a timeline', async () => {
  await using stack = new AsyncDisposableStack()
  const auth = stack.use(await startAuth())
  const folder = await mkdtemp(join(tmpdir(), 'clew gateway-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const port = await findPort()
  const child = startProcess('telemetry/gateway/src/main.ts', {
    CLEW_TELEMETRY: 'off',
    GATEWAY_LOG: join(folder, 'access.log'),
    GATEWAY_CURSOR: join(folder, 'cursor.json'),
    GATEWAY_RUN: folder,
    GATEWAY_HEALTH_PORT: `${port}`,
    GATEWAY_REDIS_URL: 'redis://127.0.0.1:1',
    AUTH_URL: auth.url,
  })
  stack.defer(async () => void (await child.stop()))
  const url = `http://127.0.0.1:${port}`
  await waitUntil(() =>
    fetch(`${url}/livez`).then(
      () => true,
      () => false,
    ),
  )
  const ask = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${url}/stale/api/timeline/${id}`, { headers })).status
  }
  const [ended, good] = [await auth.sign({ sub: id }), await auth.sign({ sub: id })]
  auth.revoked.add(ended)
  expect(await ask(ended)).toBe(401)
  expect(await ask(good)).toBe(404)
  // With auth away as well, the signature has to do, as everywhere.
  const other = await auth.sign({ sub: id })
  await auth.close()
  expect(await ask(other)).toBe(404)
})
