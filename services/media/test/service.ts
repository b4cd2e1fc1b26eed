import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOneService } from '@clew/tests/one-service'
import { v7 as uuid } from 'uuid'

export { type Answer, waitUntil } from '@clew/tests/one-service'

export type Person = { id: string; token: string }
export type Service = Awaited<ReturnType<typeof startService>>

/** The service without its worker, over a database, a Redis, an auth and a folder of its own. */
export async function startService({ env = {} }: { env?: Record<string, string> } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'clew-media-'))
  const service = await startOneService('media', { env: { MEDIA_FOLDER: folder, ...env } })
  return {
    ...service,
    folder: env.MEDIA_FOLDER ?? folder,
    async person(): Promise<Person> {
      const id = uuid()
      return { id, token: await service.auth.sign({ sub: id }) }
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The keys of what the storage holds. */
export async function listObjects(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}
