import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Service, startService } from './service.ts'

const asking = ['owner', 'other', 'admin', 'nobody', 'forger'] as const
type Asking = (typeof asking)[number]

// What each of them is answered; a forger shows a token that is not good.
const matrix: [route: string, ...statuses: number[]][] = [
  // route, owner, other, admin, nobody, forger
  ['POST /api/posts', 201, 201, 201, 401, 401],
  ['GET /api/posts/{id}', 200, 200, 200, 200, 401],
  ['PATCH /api/posts/{id}', 200, 403, 403, 401, 401],
  ['DELETE /api/posts/{id}', 204, 403, 204, 401, 401],
  ['GET /api/timeline/{user_id}', 200, 403, 403, 401, 401],
  ['GET /api/posts/user/{user_id}', 200, 200, 200, 200, 401],
  ['POST /api/posts/{id}/like', 200, 200, 200, 401, 401],
  ['DELETE /api/posts/{id}/like', 200, 200, 200, 401, 401],
  ['POST /api/posts/{id}/comments', 201, 201, 201, 401, 401],
  ['GET /api/posts/{id}/comments', 200, 200, 200, 200, 401],
  ['POST /api/posts/{id}/share', 201, 201, 201, 401, 401],
]

let service: Service
let owner: string
const tokens: Partial<Record<Asking, string>> = {}

beforeAll(async () => {
  service = await startService()
  const person = await service.person()
  owner = person.id
  tokens.owner = person.token
  tokens.other = (await service.person()).token
  const admin = await service.person()
  tokens.admin = await service.auth.sign({ sub: admin.id, roles: ['user', 'admin'] })
  tokens.forger = `${person.token.slice(0, -6)}AAAAAA`
})
afterAll(() => service[Symbol.asyncDispose]())

async function write(): Promise<string> {
  const options = { token: tokens.owner ?? '', body: { content: 'mine' } }
  return (await service.ask('POST', '/api/posts', options)).body.id
}

const cells = matrix.flatMap(([route, ...statuses]) =>
  asking.map((who, index) => [route, who, statuses[index] ?? 0] as const),
)

describe.concurrent('who may do what', () => {
  test.each(cells)('%s, asked by %s: %i', async (route, who, status) => {
    const [method = '', template = ''] = route.split(' ')
    const id = await write()
    const path = template.replace('{id}', id).replace('{user_id}', owner)
    const takesBody = method === 'PATCH' || (method === 'POST' && !path.endsWith('/like'))
    const token = tokens[who]
    const answer = await service.ask(method, path, {
      ...(token && { token }),
      ...(takesBody && { body: { content: `by ${uuid()}` } }),
    })
    expect(answer.status).toBe(status)
    if (status < 400) return
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    const after = await service.ask('GET', `/api/posts/${id}`)
    expect(after.body).toMatchObject({ content: 'mine', like_count: 0, comment_count: 0 })
  })
})

test('the table holds every route', async () => {
  const { body } = await service.ask('GET', '/openapi.json')
  const routes = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const ours = routes.filter((route) => route.includes(' /api/'))
  expect(ours.sort()).toEqual(matrix.map(([route]) => route).sort())
})
