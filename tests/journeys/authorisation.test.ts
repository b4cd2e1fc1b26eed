import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { photo } from '../images.ts'
import { newcomer, type Person, resident } from '../person.ts'

// Who may do what with messages and media, through the gateway. Each row is one request, asked by
// everybody in turn: who has no token, who has nothing to do with it, who is in it, whose it is.

type Method = 'get' | 'post' | 'delete'
type Row = [method: Method, path: string, body: object | undefined, ...statuses: number[]]

let people: Person[]
let member: Person
let owner: Person

beforeAll(async () => {
  const [outsider, ...insiders] = await Promise.all(Array.from({ length: 3 }, resident))
  ;[member, owner] = insiders as [Person, Person]
  people = [newcomer(), outsider!, member, owner]
})

async function expectAll(rows: Row[]): Promise<void> {
  const found: Row[] = []
  for (const [method, path, body, ...statuses] of rows) {
    const answers: number[] = []
    for (const person of people) {
      const ask = method === 'post' ? person.post(path, body) : person[method](path)
      const { status, headers, traceId } = await ask
      answers.push(status)
      if (status >= 400) expect(headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    }
    expect(answers).toHaveLength(statuses.length)
    found.push([method, path, body, ...answers])
  }
  expect(found).toEqual(rows)
}

describe('through the gateway', () => {
  it('a conversation is for those who are in it', async () => {
    const body = { members: [member.id], title: 'Ours' }
    const group = (await owner.post('/api/messages/conversations', body)).body
    const direct = (await owner.message(member)).body
    const said = { conversation_id: group.id, body: 'Words', client_id: randomUUID() }
    const { id: message_id } = (await owner.post('/api/messages', said)).body
    const conversation = `/api/messages/conversations/${group.id}`
    const between = `/api/messages/conversations/${direct.conversation_id}`
    const known = { user_ids: [member.id] }
    await expectAll([
      ['get', '/api/messages/conversations', undefined, 401, 200, 200, 200],
      ['get', conversation, undefined, 401, 404, 200, 200],
      ['get', between, undefined, 401, 404, 200, 200],
      ['get', `/api/messages/${group.id}`, undefined, 401, 404, 200, 200],
      ['post', `/api/messages/${group.id}/read`, { message_id }, 401, 404, 200, 200],
      ['post', '/api/messages', { ...said, client_id: randomUUID() }, 401, 404, 201, 201],
      ['post', `${conversation}/members`, known, 401, 404, 200, 200],
      ['post', `${between}/members`, known, 401, 404, 409, 409],
      ['delete', `${conversation}/members/${owner.id}`, undefined, 401, 404, 403, 204],
      ['delete', `${between}/members/${member.id}`, undefined, 401, 404, 409, 409],
      // Whoever left is an outsider.
      ['get', conversation, undefined, 401, 404, 200, 404],
    ])
  })

  it('a live event is for those who are in its conversation', async () => {
    const { conversation_id, id: message_id } = (await owner.message(member)).body
    const [, outsider] = people as [Person, Person]
    await using phone = await outsider.phone()
    const status = async (event: string, payload: object) =>
      (await phone.say(event, payload)).status
    const said = { conversation_id, body: 'Words', client_id: randomUUID() }
    expect(await status('message:send', said)).toBe(404)
    expect(await status('typing', { conversation_id, typing: true })).toBe(404)
    expect(await status('read', { conversation_id, message_id })).toBe(404)
    expect(await status('sync', { since: message_id })).toBe(422)
    const { body } = await phone.say('presence', { user_ids: [owner.id, member.id] })
    expect(body.people).toEqual([])
  })

  it('a photo is for its owner, and for everybody once it is posted', async () => {
    const { id } = (await owner.upload(await photo())).body
    const file = `/media/${id}/original`
    await expectAll([
      ['get', `/api/media/${id}`, undefined, 404, 404, 404, 200],
      ['get', file, undefined, 404, 404, 404, 200],
      ['get', `/media/${id}/thumb`, undefined, 404, 404, 404, 200],
      ['get', `/media/${id}/other`, undefined, 404, 404, 404, 404],
    ])
    const { status } = await owner.post('/api/posts', { content: 'Look', media_ids: [id] })
    expect(status).toBe(201)
    await expect.poll(async () => (await newcomer().get(file)).status).toBe(200)
    await expectAll([
      ['get', `/api/media/${id}`, undefined, 200, 200, 200, 200],
      ['get', file, undefined, 200, 200, 200, 200],
      ['delete', `/api/media/${id}`, undefined, 401, 403, 403, 409],
      ['get', `/api/media/${randomUUID()}`, undefined, 404, 404, 404, 404],
      ['delete', `/api/media/${randomUUID()}`, undefined, 401, 404, 404, 404],
    ])
  })

  it('what services ask each other is for nobody', async () => {
    const uses = { post_id: randomUUID(), user_id: owner.id, media_ids: [] }
    await expectAll([
      ['post', '/internal/media/uses', uses, 404, 404, 404, 404],
      ['post', '/internal/users/known', { ids: [owner.id] }, 404, 404, 404, 404],
    ])
  })
})
