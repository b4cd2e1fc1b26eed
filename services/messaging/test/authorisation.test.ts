import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Person, type Service, startService } from './service.ts'

const asking = ['maker', 'member', 'other', 'admin', 'nobody', 'forger'] as const
type Asking = (typeof asking)[number]

// What each of them is answered; an admin reads no more than others, and a forger's token is not good.
const matrix: [route: string, body: string | undefined, ...statuses: number[]][] = [
  // route, body, maker, member, other, admin, nobody, forger
  ['POST /api/messages', 'message', 201, 201, 404, 404, 401, 401],
  ['GET /api/messages/conversations', undefined, 200, 200, 200, 200, 401, 401],
  ['POST /api/messages/conversations', 'group', 201, 201, 201, 201, 401, 401],
  ['GET /api/messages/conversations/{id}', undefined, 200, 200, 404, 404, 401, 401],
  ['POST /api/messages/conversations/{id}/members', 'people', 200, 200, 404, 404, 401, 401],
  [
    'DELETE /api/messages/conversations/{id}/members/{user_id}',
    undefined,
    ...[204, 403, 404, 404, 401, 401],
  ],
  ['GET /api/messages/{conversation_id}', undefined, 200, 200, 404, 404, 401, 401],
  ['POST /api/messages/{conversation_id}/read', 'mark', 200, 200, 404, 404, 401, 401],
]

let service: Service
let maker: Person
let member: Person
let documented: Record<string, Record<string, { responses: object }>>
const tokens: Partial<Record<Asking, string>> = {}

beforeAll(async () => {
  service = await startService()
  documented = (await service.ask('GET', '/openapi.json')).body.paths
  maker = await service.person()
  member = await service.person()
  tokens.maker = maker.token
  tokens.member = member.token
  tokens.other = (await service.person()).token
  const admin = await service.person()
  tokens.admin = await service.auth.sign({ sub: admin.id, roles: ['user', 'admin'] })
  tokens.forger = `${maker.token.slice(0, -6)}AAAAAA`
})
afterAll(() => service[Symbol.asyncDispose]())

const cells = matrix.flatMap(([route, body, ...statuses]) =>
  asking.map((who, index) => [route, who, statuses[index] ?? 0, body] as const),
)

describe('who may do what', () => {
  test.each(cells)('%s, asked by %s: %i', async (route, who, status, kind) => {
    const third = await service.person()
    const id = await service.group(maker, member, third)
    // As its maker sends a message for each cell, they would meet the limit of a second.
    const { body: said } = await service.send(third, { conversation_id: id })
    const [method = '', template = ''] = route.split(' ')
    const path = template.replace(/\{(conversation_)?id\}/, id).replace('{user_id}', third.id)
    const bodies: Record<string, object> = {
      message: { conversation_id: id, body: 'hello', client_id: uuid() },
      group: { members: [third.id] },
      people: { user_ids: [(await service.person()).id] },
      mark: { message_id: said.id },
    }
    const token = tokens[who]
    const before = await lookAt(id)
    const answer = await service.ask(method, path, {
      ...(token && { token }),
      ...(kind && { body: bodies[kind] }),
    })
    expect(answer.status).toBe(status)
    const { responses } = documented[template]?.[method.toLowerCase()] ?? {}
    expect(Object.keys(responses ?? {})).toContain(String(status))
    if (status < 400) return
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(JSON.stringify(answer.body)).not.toContain('hello')
    expect(await lookAt(id)).toEqual(before)
  })
})

/** All there is of a conversation. */
async function lookAt(id: string) {
  const members = 'select * from members where conversation_id = $1 order by user_id'
  const messages = 'select id, body from messages where conversation_id = $1 order by id'
  return [await service.owner.query(members, [id]), await service.owner.query(messages, [id])]
}

test('a list holds what is one’s own', async () => {
  const { body } = await service.ask('GET', '/api/messages/conversations', {
    token: (await service.person()).token,
  })
  expect(body).toEqual({ conversations: [], count: 0, next_cursor: null })
})

test('the table holds every route', () => {
  const routes = Object.entries(documented).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const ours = routes.filter((route) => route.includes(' /api/'))
  expect(ours.sort()).toEqual(matrix.map(([route]) => route).sort())
})
