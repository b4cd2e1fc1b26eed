import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../answer.ts'
import { journey } from '../journey.ts'
import { note } from '../notes.ts'
import { type Issuer, openIssuer } from '../oidc-issuer.ts'
import { newcomer, type Person } from '../person.ts'
import { readPlatform } from '../platform.ts'

const tag = randomBytes(5).toString('hex')
const known = {
  sub: `subject-${tag}`,
  email: `signed-in-${tag}@mail.example`,
  preferred_username: `signed_in_${tag}`,
}
let issuer: Issuer

beforeAll(async () => {
  const { env, urls } = readPlatform()
  note(...Object.values(known).map((secret) => ({ secret })))
  issuer = await openIssuer({
    issuer: env.AUTH_OIDC_ISSUER ?? '',
    clientId: env.AUTH_OIDC_CLIENT_ID ?? '',
    clientSecret: env.AUTH_OIDC_CLIENT_SECRET ?? '',
    callback: `${urls.gateway}/api/auth/oidc/callback`,
    person: known,
  })
})
afterAll(() => issuer?.[Symbol.asyncDispose]())

describe('signing in with another provider', () => {
  it('makes a person of whom the issuer shows, and knows them the next time', async () => {
    const first = await signIn(newcomer())
    expect(first.answer.status).toBe(303)
    expect(first.answer.headers.location).toBe('/auth/callback?provider=oidc')
    const cookies = cookiesOf(first.answer)
    expect(cookies.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['clew_token', 'clew_refresh']),
    )
    for (const { all } of cookies) expect(all).toMatch(/HttpOnly.*SameSite=Lax/)
    const spans = await first.trace.spans()
    const names = spans.map(({ kind, name }) => `${kind} ${name}`)
    expect(names).toEqual(
      expect.arrayContaining([
        'CLIENT GETDEL oauth',
        'CLIENT POST /token',
        'CLIENT GET /me',
        'CLIENT SELECT identities',
        'CLIENT INSERT users',
        'CLIENT INSERT identities',
        'PRODUCER publish events:auth',
        'SERVER POST /internal/profiles',
      ]),
    )

    const second = await signIn(newcomer())
    await second.trace.toBe(`
      gateway SERVER GET /api/auth/{provider}/callback  http.response.status_code=303
        auth SERVER GET /api/auth/{provider}/callback  user.id
          auth CLIENT GETDEL oauth
          auth CLIENT POST /token  http.response.status_code=200
          auth CLIENT GET /me  http.response.status_code=200
          auth CLIENT SELECT identities  db.response.returned_rows=1
          auth CLIENT BEGIN
          auth CLIENT INSERT sessions
          auth CLIENT INSERT refresh_tokens
          auth CLIENT COMMIT
          auth CLIENT SET session
      never: INSERT users
    `)
  })

  it('is refused when the browser that comes back is not the one that left', async () => {
    const address = await leave(newcomer())
    const back = await issuer.visit(address.location)
    const { pathname, search } = new URL(back)
    const stranger = newcomer()
    const { answer, trace } = await journey('a stranger comes back', () =>
      stranger.get(pathname + search, { cookie: 'clew_oauth=not-the-cookie' }),
    )
    expect(answer.headers.location).toBe('/auth/error?provider=oidc&reason=state')
    await trace.toBe(`
      gateway SERVER GET /api/auth/{provider}/callback  http.response.status_code=303
        auth SERVER GET /api/auth/{provider}/callback  !user.id
          auth CLIENT GETDEL oauth
    `)
  })

  it('with a provider that is not set up is not found', async () => {
    const { answer, trace } = await journey('an unknown provider', () =>
      newcomer().get('/api/auth/github'),
    )
    expect(answer.status).toBe(404)
    await trace.toBe(`
      gateway SERVER GET /api/auth/{provider}  http.response.status_code=404
        auth SERVER GET /api/auth/{provider}  http.response.status_code=404
    `)
  })
})

async function signIn(person: Person) {
  const { location, cookie } = await leave(person)
  const { pathname, search } = new URL(await issuer.visit(location))
  return journey('coming back from the issuer', () => person.get(pathname + search, { cookie }))
}

/** Goes to the issuer; gives where it leads, and the cookie that binds the browser. */
async function leave(person: Person): Promise<{ location: string; cookie: string }> {
  const answer = await person.get('/api/auth/oidc')
  expect(answer.status).toBe(303)
  const [flow] = cookiesOf(answer).filter(({ name }) => name === 'clew_oauth')
  note({ secret: flow?.value ?? 'no flow cookie' })
  return { location: String(answer.headers.location), cookie: `clew_oauth=${flow?.value}` }
}

function cookiesOf(answer: Answer) {
  return [answer.headers['set-cookie'] ?? []].flat().map((all) => {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(all) ?? []
    return { name, value, all }
  })
}
