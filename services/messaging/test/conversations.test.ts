import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Person, type Service, startService } from './service.ts'

const path = '/api/messages/conversations'
let service: Service
beforeAll(async () => {
  service = await startService()
})
afterAll(() => service[Symbol.asyncDispose]())

const get = (person: Person, at: string) => service.ask('GET', at, { token: person.token })
const post = (person: Person, at: string, body: object) =>
  service.ask('POST', at, { token: person.token, body })
const remove = (person: Person, id: string, other: Person) =>
  service.ask('DELETE', `${path}/${id}/members/${other.id}`, { token: person.token })
const idsOf = ({ body }: Answer): string[] => body.conversations.map(({ id }: { id: string }) => id)
const people = (length: number) =>
  Promise.all(Array.from({ length }, () => service.person())) as Promise<
    [Person, Person, Person, ...Person[]]
  >

describe('the list', () => {
  test('shows each as its member sees it', async () => {
    const [ada, bob] = await people(2)
    const { body: last_message } = await service.send(ada, { to: bob.id })
    const id = last_message.conversation_id
    const shared = {
      id,
      kind: 'direct',
      title: null,
      members: [ada.id, bob.id].sort(),
      member_count: 2,
      last_message,
      last_read_id: null,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    }
    const [mine, theirs] = [await get(ada, path), await get(bob, path)]
    expect(mine.body).toEqual({
      conversations: [{ ...shared, unread_count: 0 }],
      count: 1,
      next_cursor: null,
    })
    expect(theirs.body.conversations).toEqual([{ ...shared, unread_count: 1 }])
    expect((await get(bob, `${path}/${id}`)).body).toEqual(theirs.body.conversations[0])
  })

  test('begins with what was active last, and goes on by cursor', async () => {
    const [ada, ...others] = await people(6)
    const sent: string[] = []
    for (const other of others) {
      sent.push((await service.send(ada, { to: other.id })).body.conversation_id)
    }
    await service.send(others[0], { to: ada.id })
    const expected = [sent[0], ...sent.slice(1).reverse()]
    const first = await get(ada, `${path}?limit=2`)
    // What becomes active meanwhile moves up, and the rest goes on below.
    await service.send(others[0], { to: ada.id })
    const second = await get(ada, `${path}?limit=2&cursor=${first.body.next_cursor}`)
    const third = await get(ada, `${path}?limit=2&cursor=${second.body.next_cursor}`)
    expect([first, second, third].flatMap(idsOf)).toEqual(expected)
    expect(third.body).toMatchObject({ count: 1, next_cursor: null })
  })

  test('shows twenty members of a group, the group itself all', async () => {
    const [ada, ...others] = await people(25)
    const id = await service.group(ada, ...others)
    const [shown] = (await get(ada, path)).body.conversations
    expect(shown.members).toHaveLength(20)
    expect(shown.member_count).toBe(25)
    expect((await get(ada, `${path}/${id}`)).body.members).toHaveLength(25)
  })
})

describe('what is unread', () => {
  test('goes down as one reads on, and never up again', async () => {
    const [ada, bob] = await people(2)
    const sent: string[] = []
    for (let index = 0; index < 3; index++) {
      sent.push((await service.send(ada, { to: bob.id })).body.id)
    }
    const { id } = (await get(bob, path)).body.conversations[0]
    const read = (message_id?: string) => post(bob, `/api/messages/${id}/read`, { message_id })
    expect((await read(sent[1])).body).toEqual({ unread_count: 1 })
    expect((await read(sent[0])).body).toEqual({ unread_count: 1 })
    expect((await get(bob, `${path}/${id}`)).body).toMatchObject({
      unread_count: 1,
      last_read_id: sent[1],
    })
    expect((await read(sent[2])).body).toEqual({ unread_count: 0 })
    expect((await get(ada, `${path}/${id}`)).body.last_read_id).toBe(null)
  })

  test('is what others wrote, and stops at 100', async () => {
    const [ada, bob] = await people(2)
    const { body } = await service.send(ada, { to: bob.id })
    await service.owner.query(
      `insert into messages (id, conversation_id, sender_id, client_id, body)
       select uuidv7(), $1, $2, 'n' || n, 'many' from generate_series(1, 150) as n`,
      [body.conversation_id, ada.id],
    )
    expect((await get(bob, path)).body.conversations[0].unread_count).toBe(100)
    expect((await get(ada, path)).body.conversations[0].unread_count).toBe(0)
  })

  test('is not moved by a message of another conversation', async () => {
    const [ada, bob, carl] = await people(3)
    const { body: first } = await service.send(ada, { to: bob.id })
    const { body: other } = await service.send(carl, { to: bob.id })
    const at = `/api/messages/${first.conversation_id}/read`
    expect((await post(bob, at, { message_id: other.id })).status).toBe(404)
    expect((await post(bob, at, { message_id: uuid() })).status).toBe(404)
    expect((await post(carl, at, { message_id: first.id })).status).toBe(404)
  })
})

describe('history', () => {
  test('goes back by cursor, without gap or repetition', async () => {
    const [ada, bob] = await people(2)
    const sent: string[] = []
    for (let index = 0; index < 5; index++) {
      sent.push(
        (await service.send(index % 2 ? ada : bob, { to: index % 2 ? bob.id : ada.id })).body.id,
      )
    }
    const { id } = (await get(bob, path)).body.conversations[0]
    const first = await get(bob, `/api/messages/${id}?limit=2`)
    await service.send(ada, { to: bob.id })
    const pages = [first]
    for (let last = first; last.body.next_cursor; pages.push(last)) {
      last = await get(bob, `/api/messages/${id}?limit=2&cursor=${last.body.next_cursor}`)
    }
    const ids = pages.flatMap(({ body }) => body.messages.map((one: { id: string }) => one.id))
    expect(ids).toEqual([...sent].reverse())
    expect(pages.map(({ body }) => body.count)).toEqual([2, 2, 1])
  })

  test('of a group without a word is empty', async () => {
    const [ada, bob] = await people(2)
    const id = await service.group(ada, bob)
    expect((await get(bob, `/api/messages/${id}`)).body).toEqual({
      messages: [],
      count: 0,
      next_cursor: null,
    })
  })
})

describe('a group', () => {
  test('is made with everybody in it', async () => {
    const [ada, bob, carl] = await people(3)
    const members = [bob.id, carl.id]
    const { status, body } = await post(ada, path, { members, title: 'tea' })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      kind: 'group',
      title: 'tea',
      members: [ada.id, ...members].sort(),
      member_count: 3,
      last_message: null,
      unread_count: 0,
      last_read_id: null,
      created_at: expect.any(String),
    })
    expect((await get(carl, `${path}/${body.id}`)).body).toEqual(body)
    expect((await post(ada, path, { members })).body.title).toBe(null)
  })

  test('takes people who exist, each of whom it names otherwise', async () => {
    const [ada, bob] = await people(2)
    const nobody = uuid()
    const { status, body } = await post(ada, path, { members: [bob.id, nobody] })
    expect(status).toBe(422)
    expect(body.errors).toEqual([{ field: 'members.1', message: 'is nobody' }])
    const self = await post(ada, path, { members: [ada.id, bob.id] })
    expect(self.body.errors).toEqual([{ field: 'members.0', message: 'must be somebody else' }])
    service.profile.cut()
    try {
      const unheard = await service.person()
      expect((await post(ada, path, { members: [unheard.id] })).status).toBe(503)
      expect((await post(ada, path, { members: [bob.id] })).status).toBe(201)
    } finally {
      service.profile.mend()
    }
  })

  test('takes in more people, who have read what was said before', async () => {
    const [ada, bob, carl] = await people(3)
    const id = await service.group(ada, bob)
    await service.send(ada, { conversation_id: id })
    const user_ids = [carl.id, bob.id]
    const { status, body } = await post(bob, `${path}/${id}/members`, { user_ids })
    expect(status).toBe(200)
    expect(body.members).toEqual([ada.id, bob.id, carl.id].sort())
    expect(body.unread_count).toBe(1)
    expect((await get(carl, `${path}/${id}`)).body.unread_count).toBe(0)
    await service.send(ada, { conversation_id: id })
    expect((await get(carl, `${path}/${id}`)).body.unread_count).toBe(1)
    expect((await get(carl, `/api/messages/${id}`)).body.count).toBe(2)
  })

  test('has at most a thousand', async () => {
    const [ada, bob] = await people(2)
    const id = await service.group(ada, bob)
    const many = Array.from({ length: 999 }, () => uuid())
    for (const one of many) service.profile.people.add(one)
    const full = await post(ada, `${path}/${id}/members`, { user_ids: many })
    expect(full.status).toBe(409)
    const fits = await post(ada, `${path}/${id}/members`, { user_ids: many.slice(1) })
    expect(fits.body.member_count).toBe(1_000)
    expect(fits.body.members).toHaveLength(1_000)
    expect((await service.send(bob, { conversation_id: id })).status).toBe(201)
  })

  test('loses whoever leaves, and whom its maker takes out', async () => {
    const [ada, bob, carl] = await people(3)
    const id = await service.group(ada, bob, carl)
    expect((await remove(bob, id, carl)).status).toBe(403)
    expect((await remove(bob, id, bob)).status).toBe(204)
    expect((await remove(ada, id, carl)).status).toBe(204)
    expect((await remove(ada, id, carl)).status).toBe(404)
    for (const gone of [bob, carl]) {
      expect((await get(gone, `${path}/${id}`)).status).toBe(404)
      expect((await get(gone, `/api/messages/${id}`)).status).toBe(404)
      expect((await service.send(gone, { conversation_id: id })).status).toBe(404)
    }
    expect((await get(ada, `${path}/${id}`)).body.members).toEqual([ada.id])
  })

  test('is handed on by a maker who leaves', async () => {
    const [ada, bob, carl] = await people(3)
    const id = await service.group(ada, bob)
    await post(ada, `${path}/${id}/members`, { user_ids: [carl.id] })
    expect((await remove(ada, id, ada)).status).toBe(204)
    expect((await remove(carl, id, bob)).status).toBe(403)
    expect((await remove(bob, id, carl)).status).toBe(204)
    expect((await remove(bob, id, bob)).status).toBe(204)
    expect((await get(bob, path)).body.count).toBe(0)
  })

  test('is not what a direct conversation becomes', async () => {
    const [ada, bob, carl] = await people(3)
    const { body } = await service.send(ada, { to: bob.id })
    const id = body.conversation_id
    const user_ids = [carl.id]
    expect((await post(ada, `${path}/${id}/members`, { user_ids })).status).toBe(409)
    expect((await remove(ada, id, ada)).status).toBe(409)
    expect((await remove(ada, id, bob)).status).toBe(409)
  })

  test('tells who was taken out nothing more, even in the middle of a word', async () => {
    const [ada, bob] = await people(2)
    for (let round = 0; round < 5; round++) {
      const id = await service.group(ada, bob)
      const outcomes = await Promise.all([
        service.send(bob, { conversation_id: id }),
        remove(ada, id, bob),
        service.send(bob, { conversation_id: id }),
      ])
      for (const { status } of outcomes) expect([201, 204, 404]).toContain(status)
    }
  })
})
