import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Answer, startOneService } from '@clew/tests/one-service'
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
    folder,
    async person(): Promise<Person> {
      const id = uuid()
      return { id, token: await service.auth.sign({ sub: id }) }
    },
    upload(person: Person, body: Buffer, headers: Record<string, string> = {}): Promise<Answer> {
      return service.ask('POST', '/api/media', {
        token: person.token,
        body,
        headers: { 'content-type': 'application/octet-stream', ...headers },
      })
    },
    /** The bytes at a path below `/media`. */
    async get(path: string, headers: Record<string, string> = {}, method = 'GET') {
      const answer = await fetch(service.url + path, { method, headers })
      const bytes = Buffer.from(await answer.arrayBuffer())
      return { status: answer.status, headers: answer.headers, bytes }
    },
    /** As feed does before it stores a post. */
    async post(mediaId: string): Promise<void> {
      const use = 'insert into uses (media_id, post_id, confirmed) values ($1, $2, true)'
      await service.owner.query(use, [mediaId, uuid()])
    },
    /** What a failed upload must not change: rows, and the keys of what the storage holds. */
    async kept(storage = folder): Promise<{ rows: number; objects: string[] }> {
      const [found] = await service.owner.query<{ rows: number }>(
        'select count(*)::int as rows from media',
      )
      return { rows: found?.rows ?? 0, objects: await listObjects(storage) }
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function listObjects(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
