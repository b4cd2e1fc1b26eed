import { createClient } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeCursor } from '../src/position.ts'
import { type Person, type Service, startService, waitUntil } from './service.ts'

let service: Service

beforeAll(async () => {
  service = await startService()
})
afterAll(() => service[Symbol.asyncDispose]())

function follow(from: Person, to: { id: string }) {
  return service.ask('POST', `/api/users/${to.id}/follow`, { token: from.token })
}

function unfollow(from: Person, to: { id: string }) {
  return service.ask('DELETE', `/api/users/${to.id}/follow`, { token: from.token })
}

async function counts(person: Person) {
  const { body } = await service.ask('GET', `/api/users/${person.id}`)
  return [body.follower_count, body.following_count]
}

async function names(path: string) {
  const { body } = await service.ask('GET', path)
  return body.profiles.map((profile: { username: string }) => profile.username)
}

async function pair() {
  return Promise.all([service.person(), service.person()])
}

describe('following', () => {
  test('is stated with its time, counted on both sides and listed on both sides', async () => {
    const [alice, bob] = await pair()
    const paths = [`/api/users/${bob.id}/followers`, `/api/users/${alice.id}/following`]
    // Read once before, so that the cache holds what is about to change.
    for (const path of paths) expect(await names(path)).toEqual([])
    expect([await counts(alice), await counts(bob)]).toEqual([
      [0, 0],
      [0, 0],
    ])
    expect(await follow(alice, bob)).toMatchObject({
      status: 201,
      body: {
        follower_id: alice.id,
        following_id: bob.id,
        created_at: expect.stringMatching(/Z$/),
      },
    })
    expect([await counts(alice), await counts(bob)]).toEqual([
      [0, 1],
      [1, 0],
    ])
    expect(await names(paths[0]!)).toEqual([alice.username])
    expect(await names(paths[1]!)).toEqual([bob.username])

    expect(await unfollow(alice, bob)).toMatchObject({
      status: 200,
      body: { message: expect.any(String) },
    })
    expect([await counts(alice), await counts(bob)]).toEqual([
      [0, 0],
      [0, 0],
    ])
    for (const path of paths) expect(await names(path)).toEqual([])
  })

  test('oneself, twice, nobody, and ending what never was', async () => {
    const [alice, bob] = await pair()
    expect((await follow(alice, alice)).status).toBe(400)
    expect((await follow(alice, { id: uuid() })).status).toBe(404)
    expect((await follow(alice, { id: 'somebody' })).status).toBe(404)
    expect((await unfollow(alice, bob)).status).toBe(404)
    expect((await follow(alice, bob)).status).toBe(201)
    expect((await follow(alice, bob)).status).toBe(409)
    expect(await counts(bob)).toEqual([1, 0])
  })

  test('somebody whose own profile is not there yet cannot', async () => {
    const bob = await service.person()
    const id = uuid()
    const ghost = { id, username: '', token: await service.auth.sign({ sub: id }) }
    expect((await follow(ghost, bob)).status).toBe(404)
    expect(await counts(bob)).toEqual([0, 0])
  })

  test('the same follow ten times at once is made once', async () => {
    const [alice, bob] = await pair()
    const answers = await Promise.all(Array.from({ length: 10 }, () => follow(alice, bob)))
    const statuses = answers.map((answer) => answer.status).sort()
    expect(statuses).toEqual([201, ...Array(9).fill(409)])
    expect(await counts(bob)).toEqual([1, 0])
  })

  test('people who follow each other at once do not lock each other out', async () => {
    const people = await Promise.all(Array.from({ length: 6 }, () => service.person()))
    const crossing = people.flatMap((from) =>
      people.filter((to) => to !== from).map((to) => [from, to] as const),
    )
    for (const act of [follow, unfollow, follow]) {
      const answers = await Promise.all(crossing.map(([from, to]) => act(from, to)))
      expect(new Set(answers.map((answer) => answer.status))).toEqual(
        new Set([act === follow ? 201 : 200]),
      )
    }
    for (const person of people) expect(await counts(person)).toEqual([5, 5])
  })

  test('follows and changes of profile leave as facts, in order', async () => {
    const [alice, bob] = await pair()
    const { body: followed } = await follow(alice, bob)
    await unfollow(alice, bob)
    await service.ask('POST', `/api/users/${alice.id}/profile`, {
      token: alice.token,
      body: { display_name: 'Alice', bio: 'private enough' },
    })
    const redis = createClient({ url: service.redisUrl })
    await redis.connect()
    const facts = async () => {
      const entries = await redis.xRange('events:profile', '-', '+')
      return (entries ?? [])
        .map(({ message }) => ({ type: message.type, payload: JSON.parse(message.payload!) }))
        .filter(({ payload }) => [payload.follower_id, payload.user_id].includes(alice.id))
    }
    await waitUntil(async () => (await facts()).length >= 3)
    const both = { follower_id: alice.id, following_id: bob.id }
    expect(await facts()).toEqual([
      { type: 'user.followed', payload: { ...both, created_at: followed.created_at } },
      { type: 'user.unfollowed', payload: both },
      {
        type: 'profile.updated',
        payload: {
          user_id: alice.id,
          username: alice.username,
          display_name: 'Alice',
          avatar_url: null,
          updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        },
      },
    ])
    redis.destroy()
  })
})

test('of two changes at once, the later is the one that says so', async () => {
  const alice = await service.person()
  const change = (display_name: string) =>
    service.ask('POST', `/api/users/${alice.id}/profile`, {
      token: alice.token,
      body: { display_name },
    })
  await Promise.all(Array.from({ length: 30 }, (_, at) => change(`Alice ${at}`)))
  const redis = createClient({ url: service.redisUrl })
  await redis.connect()
  const facts = async () => {
    const entries = await redis.xRange('events:profile', '-', '+')
    return (entries ?? [])
      .map(({ message }) => JSON.parse(message.payload!))
      .filter(({ user_id }) => user_id === alice.id)
  }
  // A fact may come twice.
  await waitUntil(async () => (await facts()).length >= 30)
  const cards = (await facts()).sort((a, b) => (a.updated_at < b.updated_at ? -1 : 1))
  redis.destroy()
  expect(new Set(cards.map(({ updated_at }) => updated_at)).size).toBe(30)
  const { body } = await service.ask('GET', `/api/users/${alice.id}`)
  expect(cards.at(-1).display_name).toBe(body.display_name)
})

describe('lists', () => {
  test('come in pages that newcomers do not disturb', async () => {
    const bob = await service.person()
    const followers: Person[] = []
    for (let index = 0; index < 5; index++) {
      const person = await service.person()
      await follow(person, bob)
      followers.unshift(person)
    }
    const path = `/api/users/${bob.id}/followers?limit=2`
    const first = (await service.ask('GET', path)).body
    expect(first.count).toBe(2)
    await follow(await service.person(), bob)
    const second = (await service.ask('GET', `${path}&cursor=${first.next_cursor}`)).body
    const third = (await service.ask('GET', `${path}&cursor=${second.next_cursor}`)).body
    expect(third.next_cursor).toBeNull()
    const seen = [first, second, third].flatMap((page) => page.profiles)
    expect(seen.map((profile) => profile.user_id)).toEqual(followers.map(({ id }) => id))
  })

  test('the other list is cut into pages the same way', async () => {
    const [alice, ...others] = await Promise.all(Array.from({ length: 4 }, () => service.person()))
    for (const other of others) await follow(alice!, other)
    const path = `/api/users/${alice!.id}/following?limit=2`
    const first = (await service.ask('GET', path)).body
    const second = (await service.ask('GET', `${path}&cursor=${first.next_cursor}`)).body
    const seen = [first, second].flatMap((page) => page.profiles)
    expect(seen.map((profile) => profile.user_id)).toEqual(others.map(({ id }) => id).reverse())
    expect(second.next_cursor).toBeNull()
  })

  test('of nobody there are none', async () => {
    for (const list of ['followers', 'following']) {
      expect((await service.ask('GET', `/api/users/${uuid()}/${list}`)).status).toBe(404)
    }
  })

  test.each(['limit=0', 'limit=51', 'limit=x', 'limit=1.5'])('%s is refused', async (query) => {
    const { id } = await service.person()
    const answer = await service.ask('GET', `/api/users/${id}/followers?${query}`)
    expect(answer.status).toBe(422)
    expect(answer.body.errors[0].field).toBe('limit')
  })

  test('a cursor of another list is refused, and what is none', async () => {
    const [ada, bob] = [await service.person(), await service.person()]
    const position = { at: new Date(), id: bob.id }
    const ask = async (cursor: string) =>
      (await service.ask('GET', `/api/users/${ada.id}/followers?cursor=${cursor}`)).status
    expect(await ask(writeCursor(`followers:${ada.id}`, position))).toBe(200)
    for (const cursor of [
      ...[`followers:${bob.id}`, `following:${ada.id}`].map((list) => writeCursor(list, position)),
      writeCursor(`followers:${ada.id}`, { ...position, id: "' or true" }),
      'x',
      '',
    ]) {
      expect(await ask(cursor)).toBe(400)
    }
  })
})
