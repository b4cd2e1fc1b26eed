import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Service, startService } from './service.ts'

let service: Service
beforeAll(async () => {
  service = await startService()
})
afterAll(() => service[Symbol.asyncDispose]())

test('what is not there', async () => {
  const alice = await service.person()
  for (const id of ['x', alice.id]) {
    for (const method of ['GET', 'DELETE']) {
      const { status } = await service.ask(method, `/api/media/${id}`, { token: alice.token })
      expect(status).toBe(404)
    }
  }
})
