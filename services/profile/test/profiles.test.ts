import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Person, type Service, startService } from './service.ts'

let service: Service
let alice: Person
let bob: Person

beforeAll(async () => {
  service = await startService()
  alice = await service.person('alice')
  bob = await service.person('bob')
})
afterAll(() => service[Symbol.asyncDispose]())

function change(person: Person, body: unknown, headers?: Record<string, string>) {
  const path = `/api/users/${person.id}/profile`
  return service.ask('POST', path, { token: alice.token, body, ...(headers && { headers }) })
}

async function read(person: Person) {
  return (await service.ask('GET', `/api/users/${person.id}`)).body
}

describe('reading', () => {
  test('a profile needs no token, and has the fields of the contract', async () => {
    const answer = await service.ask('GET', `/api/users/${bob.id}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.body).toEqual({
      user_id: bob.id,
      username: 'bob',
      display_name: 'bob',
      bio: '',
      avatar_url: null,
      follower_count: 0,
      following_count: 0,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
  })

  test.each([uuid(), 'nobody', '0', '%E0%A4%A', `${uuid()}x`])('%s is nobody', async (id) => {
    const answer = await service.ask('GET', `/api/users/${id}`)
    expect(answer.status).toBe(404)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body).toMatchObject({ status: 404, title: 'Not Found', type: 'about:blank' })
    expect(answer.body.trace_id).toBe(answer.headers.get('x-trace-id'))
  })

  test('an id in capitals is the same person', async () => {
    const answer = await service.ask('GET', `/api/users/${bob.id.toUpperCase()}`)
    expect(answer.body.user_id).toBe(bob.id)
  })
})

describe('changing', () => {
  test('what is given is changed, what is left out stays, and the next read shows it', async () => {
    expect(await read(alice)).toMatchObject({ display_name: 'alice' })
    const whole = { display_name: 'Alice', bio: 'Hello', avatar_url: 'https://example.org/a.png' }
    expect(await change(alice, whole)).toMatchObject({ status: 200, body: whole })
    expect(await read(alice)).toMatchObject(whole)
    expect((await change(alice, { bio: '' })).body).toMatchObject({ ...whole, bio: '' })
    expect((await change(alice, { avatar_url: null })).body).toMatchObject({
      ...whole,
      bio: '',
      avatar_url: null,
    })
  })

  test("somebody else's profile is not yours to change", async () => {
    expect(await change(bob, { bio: 'mine now' })).toMatchObject({ status: 403 })
    expect(await read(bob)).toMatchObject({ bio: '' })
  })

  test('nobody can change a profile that is not there yet', async () => {
    const id = uuid()
    const token = await service.auth.sign({ sub: id })
    const answer = await service.ask('POST', `/api/users/${id}/profile`, {
      token,
      body: { bio: 'early' },
    })
    expect(answer.status).toBe(404)
  })

  test('the longest values fit', async () => {
    const longest = { display_name: 'x'.repeat(100), bio: 'y'.repeat(500) }
    expect(await change(alice, longest)).toMatchObject({ status: 200, body: longest })
  })

  test.each<[string, unknown, string[]]>([
    ['too long a name', { display_name: 'x'.repeat(101) }, ['display_name']],
    ['an empty name', { display_name: '' }, ['display_name']],
    ['a blank name', { display_name: '  ' }, ['display_name']],
    ['a name of null', { display_name: null }, ['display_name']],
    ['too long a bio', { bio: 'x'.repeat(501) }, ['bio']],
    ['a number for a bio', { bio: 5 }, ['bio']],
    ['a null byte in the name', { display_name: 'a\0b' }, ['display_name']],
    ['a null byte in the bio', { bio: 'a\0b' }, ['bio']],
    ['a null byte in the address', { avatar_url: 'https://example.org/\0' }, ['avatar_url']],
    ['a script for an address', { avatar_url: 'javascript:alert(1)' }, ['avatar_url']],
    ['a word for an address', { avatar_url: 'picture' }, ['avatar_url']],
    ['an endless address', { avatar_url: `https://a.b/${'x'.repeat(2048)}` }, ['avatar_url']],
    ['an unknown field', { bio: 'x', follower_count: 5 }, ['follower_count']],
    ['two faults', { display_name: '', bio: 5 }, ['display_name', 'bio']],
    ['nothing', {}, ['display_name']],
  ])('%s is refused, field by field, and nothing is written', async (_, body, fields) => {
    const before = await read(alice)
    const answer = await change(alice, body)
    expect(answer.status).toBe(422)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body.errors.map((error: { field: string }) => error.field)).toEqual(fields)
    expect(await read(alice)).toEqual(before)
  })

  test.each<[string, string, number]>([
    ['half an object', '{"bio":', 400],
    ['no body', '', 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['a word', '"bio"', 400],
    ['more than 64 KB', JSON.stringify({ bio: 'x'.repeat(65_536) }), 413],
  ])('%s is refused', async (_, body, status) => {
    expect((await change(alice, body)).status).toBe(status)
  })

  test('bytes that are no UTF-8 are refused, not guessed at', async () => {
    const before = await read(alice)
    expect((await change(alice, Buffer.from('{"bio": "caf\xe9"}', 'latin1'))).status).toBe(400)
    expect(await read(alice)).toEqual(before)
    expect((await change(alice, Buffer.from('{"bio": "caf\xe9"}'))).body.bio).toBe('caf\xe9')
  })

  test('a body in another format is refused', async () => {
    expect((await change(alice, 'bio=hi', { 'content-type': 'text/plain' })).status).toBe(415)
    const charset = { 'content-type': 'application/json; charset=utf-8' }
    expect((await change(alice, { bio: 'hi' }, charset)).status).toBe(200)
  })

  test('a body that says no length is cut off at 64 KB, and the connection is not left hanging', async () => {
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('x'.repeat(16_384))),
    })
    const answer = fetch(`${service.url}/api/users/${alice.id}/profile`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.token}`, 'content-type': 'application/json' },
      body: endless,
      duplex: 'half',
    } as RequestInit)
    // The server may end the connection before the client has read the answer.
    const status = await answer.then(
      (got) => got.status,
      () => 413,
    )
    expect(status).toBe(413)
    expect((await service.ask('GET', `/api/users/${alice.id}`)).status).toBe(200)
  })
})

test('a path that leads nowhere is a problem', async () => {
  expect(await service.ask('GET', '/api/people')).toMatchObject({
    status: 404,
    body: { status: 404 },
  })
})

test('the document is served', async () => {
  const { status, body } = await service.ask('GET', '/openapi.json')
  expect(status).toBe(200)
  expect(body.openapi).toBe('3.1.0')
})
