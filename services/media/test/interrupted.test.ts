import { rename } from 'node:fs/promises'
import { request } from 'node:http'
import { eventually } from '@clew/kit/test/eventually'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { picture, video } from './pictures.ts'
import { type Person, type Service, startService } from './service.ts'

let service: Service
let alice: Person
beforeAll(async () => {
  service = await startService()
  alice = await service.person()
})
afterAll(() => service[Symbol.asyncDispose]())

/** Makes every COMMIT of a picture take its time, after it has reached the database. */
async function slowCommits(): Promise<AsyncDisposable> {
  await service.owner.query(
    `create function wait() returns trigger language plpgsql as
     'begin perform pg_sleep(1); return null; end'`,
  )
  await service.owner.query(
    `create constraint trigger slow after update on media deferrable initially deferred
     for each row when (new.status = 'processing') execute function wait()`,
  )
  return {
    async [Symbol.asyncDispose]() {
      await service.owner.query('drop function wait cascade')
    },
  }
}

const committing = () =>
  eventually(async () => {
    const found = await service.owner.query(
      `select 1 from pg_stat_activity
       where datname = current_database() and state = 'active' and query ilike 'commit'`,
    )
    return found.length > 0
  })

test.each([
  ['for a while', false],
  ['for a moment', true],
])('an upload is whole when the database goes %s before it can say so', async (_how, atOnce) => {
  const bytes = await picture(atOnce ? 70 : 71, 40)
    .jpeg()
    .toBuffer()
  const before = await service.kept()
  await using _slow = await slowCommits()
  const uploading = service.upload(alice, bytes)
  await committing()
  service.database.cut()
  if (atOnce) service.database.mend()
  expect((await uploading).status).toBe(503)
  service.database.mend()
  await eventually(async () => {
    const found = await service.owner.query(`select 1 from media where status = 'uploading'`)
    return found.length === 0
  })
  const after = await service.kept()
  expect(after.rows).toBe(before.rows + 1)
  expect(after.objects.length).toBe(before.objects.length + 1)

  const again = await service.upload(alice, bytes)
  expect(again.status).toBe(200)
  const read = await service.get(again.body.url, { authorization: `Bearer ${alice.token}` })
  expect(read.bytes).toEqual(bytes)
})

test('what a storage that went away in the middle brings back is known by a row', async () => {
  const before = await service.kept()
  const going = request(`${service.url}/api/media`, {
    method: 'POST',
    headers: { authorization: `Bearer ${alice.token}` },
  })
  const answered = new Promise<number>((resolve, reject) => {
    going.on('response', (answer) => resolve(answer.resume().statusCode ?? 0)).on('error', reject)
  })
  going.write(video(300_000))
  const part = await eventually(async () => {
    const { objects } = await service.kept()
    return objects.find((key) => !before.objects.includes(key))
  })
  await rename(service.folder, `${service.folder}-away`)
  going.end()
  expect(await answered).toBe(503)
  await rename(`${service.folder}-away`, service.folder)
  expect((await service.kept()).objects).toContain(part)
  const rows = await service.owner.query<{ status: string }>(
    'select status from media where id = $1',
    [part.split('/')[0]],
  )
  expect(rows).toEqual([{ status: 'deleting' }])
})
