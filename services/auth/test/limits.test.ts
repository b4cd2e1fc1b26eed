import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Auth, newcomer, openClient, resident, startAuth } from './start-auth.ts'

let auth: Auth
beforeAll(async () => {
  auth = await startAuth({
    AUTH_RATE_LOGIN_FAILURES: '3',
    AUTH_RATE_LOGIN_EVERYWHERE: '5',
    AUTH_RATE_LOGIN_ADDRESS: '6',
    AUTH_RATE_REGISTER_ADDRESS: '4',
  })
})
afterAll(() => auth[Symbol.asyncDispose]())

let lastAddress = 0
/** As the gateway says who is behind it. */
const newAddress = () => ({ 'x-forwarded-for': `198.51.100.${++lastAddress}` })
type Address = ReturnType<typeof newAddress>

const login = (email: string, password: string, from: Address) =>
  auth.post('/api/auth/login', { email, password }, from)

async function settler() {
  const person = newcomer()
  await auth.post('/api/auth/register', person, newAddress())
  return person
}

async function statuses(count: number, ask: () => Promise<{ status: number }>) {
  const found: number[] = []
  for (let i = 0; i < count; i++) found.push((await ask()).status)
  return found
}

describe('wrong passwords', () => {
  it('for one account from one address: the fourth is not even looked at', async () => {
    const { email, password } = await settler()
    const from = newAddress()
    expect(await statuses(4, () => login(email, 'wrong', from))).toEqual([401, 401, 401, 429])
    const refused = await login(email, password, from)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(60)
    expect(refused.body).toMatchObject({ title: 'Too Many Requests', status: 429 })
  })

  it('do not lock out the person elsewhere, nor others there', async () => {
    const [ada, bob] = [await settler(), await settler()]
    const from = newAddress()
    await statuses(4, () => login(ada.email, 'wrong', from))
    expect((await login(ada.email, ada.password, newAddress())).status).toBe(200)
    expect((await login(bob.email, bob.password, from)).status).toBe(200)
  })

  it('for one account from many addresses are limited together, and only for that account', async () => {
    const [ada, bob] = [await settler(), await settler()]
    const guess = () => login(ada.email, 'wrong', newAddress())
    expect(await statuses(6, guess)).toEqual([401, 401, 401, 401, 401, 429])
    const refused = await login(ada.email, ada.password, newAddress())
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(60)
    expect((await login(bob.email, bob.password, newAddress())).status).toBe(200)
  })

  it('that are not looked at do not count: one address alone locks nobody out elsewhere', async () => {
    const { email, password } = await settler()
    const from = newAddress()
    const found = await statuses(9, () => login(email, 'wrong', from))
    expect(found).toEqual([401, 401, 401, ...Array(6).fill(429)])
    expect(await statuses(1, () => login(email, 'wrong', newAddress()))).toEqual([401])
    expect((await login(email, password, newAddress())).status).toBe(200)
  })

  it('count as soon as they are sent: many at once are not more', async () => {
    const { email } = await settler()
    const from = newAddress()
    const answers = await Promise.all(Array.from({ length: 6 }, () => login(email, 'wrong', from)))
    expect(answers.map(({ status }) => status).sort()).toEqual([401, 401, 401, 429, 429, 429])
  })

  it('for an account that is none are limited the same', async () => {
    const { email } = newcomer()
    const from = newAddress()
    expect(await statuses(4, () => login(email, 'wrong', from))).toEqual([401, 401, 401, 429])
  })
})

describe('from one address', () => {
  it('right passwords are no failures, but many logins are too many', async () => {
    const { email, password } = await settler()
    const from = newAddress()
    const found = await statuses(7, () => login(email, password, from))
    expect(found).toEqual([200, 200, 200, 200, 200, 200, 429])
  })

  it('many registrations are too many; malformed ones do not count', async () => {
    const from = newAddress()
    const register = (body: object) => auth.post('/api/auth/register', body, from)
    await statuses(5, () => register({}))
    const found = await statuses(5, () => register(newcomer()))
    expect(found).toEqual([201, 201, 201, 201, 429])
    expect((await auth.post('/api/auth/register', newcomer(), newAddress())).status).toBe(201)
  })

  it('is what the gateway says, not what the client wrote before it', async () => {
    const { email } = newcomer()
    const spoofed = () => ({ 'x-forwarded-for': `203.0.113.${++lastAddress}, 192.0.2.7` })
    expect(await statuses(4, () => login(email, 'wrong', spoofed()))).toEqual([401, 401, 401, 429])
  })
})

it('says on the span which limit it was', async () => {
  const { email } = await settler()
  const from = newAddress()
  await statuses(3, () => login(email, 'wrong', from))
  const { traceId } = await login(email, 'wrong', from)
  await expect
    .poll(() =>
      auth.collector.spans().find((span) => span.traceId === traceId && span.kind === 'SERVER'),
    )
    .toMatchObject({ attributes: { 'clew.limit': { value: 'login_account' } } })
})

it('keeps neither e-mail nor address as they are', async () => {
  const person = newcomer()
  const from = newAddress()
  await auth.post('/api/auth/register', person, from)
  await login(person.email, 'wrong', from)
  await using redis = await openClient(auth.redis.url)
  const { keys } = await redis.scan('0', { MATCH: 'auth:limit:*', COUNT: 10_000 })
  const limits = new Set(keys.map((key) => key.split(':')[2]))
  expect([...limits].sort()).toEqual([
    ...['login_account', 'login_address', 'login_everywhere', 'register_address'],
  ])
  expect(keys.join()).not.toContain(person.email)
  expect(keys.join()).not.toContain(from['x-forwarded-for'])
})

it('without Redis, limits are kept in memory', async () => {
  const { email } = await resident(auth)
  auth.redisLink.cut()
  try {
    const from = newAddress()
    expect(await statuses(4, () => login(email, 'wrong', from))).toEqual([401, 401, 401, 429])
  } finally {
    auth.redisLink.mend()
  }
})
