import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Service, startService } from './service.ts'

let service: Service
beforeAll(async () => {
  service = await startService()
})
afterAll(() => service[Symbol.asyncDispose]())

test('a first message begins a conversation that both see', async () => {
  const [ada, bob] = [await service.person(), await service.person()]
  const sent = await service.ask('POST', '/api/messages', {
    token: ada.token,
    body: { to: bob.id, body: 'hello', client_id: 'c1' },
  })
  expect(sent.status).toBe(201)
  expect(sent.body).toEqual({
    id: expect.any(String),
    conversation_id: expect.any(String),
    sender_id: ada.id,
    body: 'hello',
    created_at: expect.any(String),
    client_id: 'c1',
  })
  const page = await service.ask('GET', `/api/messages/${sent.body.conversation_id}`, {
    token: bob.token,
  })
  expect(page.body).toEqual({ messages: [sent.body], count: 1, next_cursor: null })
})
