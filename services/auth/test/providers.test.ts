import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Browser, openBrowser } from './browser.ts'
import { startGithub } from './github.ts'
import { client, type Person, startIssuer } from './issuer.ts'
import { type Auth, bearer, newcomer, resident, startAuth } from './start-auth.ts'

let auth: Auth
let issuer: Awaited<ReturnType<typeof startIssuer>>
let github: Awaited<ReturnType<typeof startGithub>>
const octocat = { id: 583_231, login: 'octocat', email: 'octocat@mail.example' }

beforeAll(async () => {
  issuer = await startIssuer()
  github = await startGithub(octocat)
  auth = await startAuth({
    AUTH_OIDC_ISSUER: issuer.url,
    AUTH_OIDC_CLIENT_ID: client.id,
    AUTH_OIDC_CLIENT_SECRET: client.secret,
    AUTH_GITHUB_CLIENT_ID: 'Iv1.clew',
    AUTH_GITHUB_CLIENT_SECRET: 'secret',
    AUTH_GITHUB_URL: github.url,
    AUTH_GITHUB_API_URL: github.url,
  })
})
afterAll(async () => {
  await auth[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
  await github[Symbol.asyncDispose]()
})

let count = 0
function stranger(): Person {
  const name = `grace_${process.pid}_${++count}`
  const person = { sub: `sub-${name}`, email: `${name}@issuer.example`, email_verified: true }
  issuer.people.set(person.sub, { ...person, preferred_username: name })
  return person
}

const toCallback = (url: string) => url.includes('/api/auth/oidc/callback')
const ourOwn = (url: string) => url.startsWith(`${auth.url}/auth/`)

/** Through the issuer's own pages; gives the address that leads back to us. */
async function logInAt(browser: Browser, person: Person): Promise<string> {
  const login = await browser.follow(`${auth.url}/api/auth/oidc`)
  const consent = await browser.follow(login.url.href, toCallback, {
    ...{ prompt: 'login', login: person.sub, password: 'any' },
  })
  const agreed = consent.location
    ? consent
    : await browser.follow(consent.url.href, toCallback, { prompt: 'consent' })
  return agreed.location ?? ''
}

async function comeIn(person: Person) {
  const browser = openBrowser()
  const page = await browser.follow(await logInAt(browser, person), ourOwn)
  const cookies = browser.cookies(auth.url)
  const token = cookies.get('clew_token') ?? ''
  const who = (await auth.get('/api/validate/user', bearer(token))).body
  return { end: page.location?.replace(auth.url, ''), cookies, who, browser }
}

describe('an OpenID Connect issuer', () => {
  it('brings a new person in, with their tokens in cookies alone', async () => {
    issuer.serve(`${auth.url}/api/auth/oidc/callback`)
    const person = stranger()
    const { end, cookies, who, browser } = await comeIn(person)
    expect(end).toBe('/auth/callback?provider=oidc')
    const username = person.email?.split('@')[0]
    expect(who).toMatchObject({ email: person.email, username, provider: 'oidc' })
    expect([...cookies.keys()].sort()).toEqual(['clew_refresh', 'clew_token'])
    expect((await browser.go(auth.url + end)).text).toBe('You are logged in.\n')
    expect(await auth.facts('user.registered', who.id)).toEqual([
      expect.objectContaining({ user_id: who.id, username }),
    ])
    const refreshed = await auth.post('/api/auth/refresh', undefined, {
      cookie: `clew_refresh=${cookies.get('clew_refresh')}`,
    })
    expect(refreshed.status).toBe(200)
  })

  it('brings the same person in again', async () => {
    const person = stranger()
    const first = await comeIn(person)
    const second = await comeIn(person)
    expect(second.who.id).toBe(first.who.id)
  })

  it('gives somebody whose name is taken another', async () => {
    const taken = await resident(auth)
    const person = stranger()
    const sub = person.sub
    issuer.people.set(sub, { ...person, preferred_username: taken.username })
    const { who } = await comeIn(person)
    expect(who.username).toMatch(new RegExp(`^${taken.username}_[0-9a-f]{6}$`))
  })

  it('does not hand over an account that has the same e-mail address', async () => {
    const owner = await resident(auth)
    const person = stranger()
    issuer.people.set(person.sub, { ...person, email: owner.email })
    const { end, cookies } = await comeIn(person)
    expect(end).toBe('/auth/error?provider=oidc&reason=taken')
    expect([...cookies.keys()]).toEqual([])
  })

  it('must tell an e-mail address, and that it has verified it', async () => {
    const claims = [
      { email_verified: false },
      { email_verified: undefined },
      { email_verified: true, email: undefined },
    ]
    for (const claim of claims) {
      const person = stranger()
      const { sub, email, email_verified } = { ...person, ...claim }
      issuer.people.set(sub, {
        sub,
        ...(email && { email }),
        ...(email_verified !== undefined && { email_verified }),
      })
      expect((await comeIn(person)).end).toBe('/auth/error?provider=oidc&reason=email')
    }
  })

  it('sends people back empty-handed who change their mind', async () => {
    const browser = openBrowser()
    const login = await browser.follow(`${auth.url}/api/auth/oidc`)
    const page = await browser.follow(`${login.url.href}/abort`, ourOwn)
    expect(page.location).toBe(`${auth.url}/auth/error?provider=oidc&reason=denied`)
    const { text } = await browser.go(page.location ?? '')
    expect(text).toBe('You are not logged in: you changed your mind.\n')
  })

  it('is asked with PKCE, state and nonce', async () => {
    const { location = '', status } = await openBrowser().go(`${auth.url}/api/auth/oidc`)
    expect(status).toBe(303)
    const asked = Object.fromEntries(new URL(location).searchParams)
    expect(asked).toMatchObject({
      ...{ response_type: 'code', client_id: 'clew', code_challenge_method: 'S256' },
      redirect_uri: `${auth.url}/api/auth/oidc/callback`,
    })
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(asked[name]?.length).toBeGreaterThan(40)
    }
  })
})

describe('a way back that does not fit', () => {
  const refused = (page: { location: string | undefined }, reason: string) =>
    expect(page.location).toBe(`${auth.url}/auth/error?provider=oidc&reason=${reason}`)

  it('from another browser', async () => {
    const back = await logInAt(openBrowser(), stranger())
    refused(await openBrowser().go(back), 'state')
    const other = openBrowser()
    await other.go(`${auth.url}/api/auth/oidc`)
    refused(await other.go(back), 'state')
  })

  it('a second time', async () => {
    const browser = openBrowser()
    const back = await logInAt(browser, stranger())
    const flow = browser.cookies(auth.url).get('clew_oauth') ?? ''
    expect((await browser.go(back)).location).toContain('/auth/callback')
    browser.cookies(auth.url).set('clew_oauth', flow)
    refused(await browser.go(back), 'state')
  })

  it('with another state, or none', async () => {
    const browser = openBrowser()
    const back = new URL(await logInAt(browser, stranger()))
    const flow = browser.cookies(auth.url).get('clew_oauth') ?? ''
    for (const state of ['x'.repeat(43), '']) {
      back.searchParams.set('state', state)
      browser.cookies(auth.url).set('clew_oauth', flow)
      refused(await browser.go(back.href), 'state')
    }
  })

  it('with a code that was never given', async () => {
    const browser = openBrowser()
    const back = new URL(await logInAt(browser, stranger()))
    back.searchParams.set('code', 'invented')
    refused(await browser.go(back.href), 'provider')
  })
})

describe('the page where it ends', () => {
  it.each(['state', 'denied', 'email', 'taken', 'provider', 'unavailable'])(
    'has words for %s, and repeats none of the address',
    async (reason) => {
      const { status, headers, body } = await auth.get(`/auth/error?reason=${reason}&x=<b>`)
      expect([status, headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8'])
      expect(body).toMatch(/^You are not logged in: .+\.\n$/)
    },
  )

  it.each(['', '?reason=%3Cscript%3E', '?reason=toString', '?reason[a]=b'])(
    'says no more than that for "%s"',
    async (query) => {
      expect((await auth.get(`/auth/error${query}`)).body).toBe('You are not logged in.\n')
    },
  )

  it('says nothing of the kind to someone without a token', async () => {
    expect((await auth.get('/auth/callback')).body).toBe('You are not logged in.\n')
  })
})

describe('without Redis', () => {
  it('a signed cookie carries the flow', async () => {
    auth.redisLink.cut()
    try {
      const person = stranger()
      const { end, who } = await comeIn(person)
      expect(end).toBe('/auth/callback?provider=oidc')
      expect(who.email).toBe(person.email)
    } finally {
      auth.redisLink.mend()
    }
  })

  it('the cookie fits its own state only, and is no access token', async () => {
    auth.redisLink.cut()
    try {
      const browser = openBrowser()
      const back = new URL(await logInAt(browser, stranger()))
      const flow = browser.cookies(auth.url).get('clew_oauth') ?? ''
      expect(flow.split('.')).toHaveLength(3)
      expect((await auth.get('/api/validate/user', bearer(flow))).status).toBe(401)
      back.searchParams.set('state', 'another')
      const { location } = await browser.go(back.href)
      expect(location).toBe(`${auth.url}/auth/error?provider=oidc&reason=state`)
    } finally {
      auth.redisLink.mend()
    }
  })
})

describe('GitHub', () => {
  it('says through its API who came', async () => {
    const browser = openBrowser()
    const page = await browser.follow(`${auth.url}/api/auth/github`, ourOwn)
    expect(page.location).toBe(`${auth.url}/auth/callback?provider=github`)
    const token = browser.cookies(auth.url).get('clew_token') ?? ''
    const { body } = await auth.get('/api/validate/user', bearer(token))
    const { login: username, email } = octocat
    expect(body).toMatchObject({ email, username, provider: 'github' })
  })

  it('is called without our trace context, each call a span', async () => {
    const page = await openBrowser().follow(`${auth.url}/api/auth/github`, ourOwn)
    expect(page.location).toContain('/auth/callback')
    const calls = () =>
      auth.collector
        .spans()
        .filter(({ kind, name }) => kind === 'CLIENT' && /^(GET|POST) \/(login|user)/.test(name))
        .map(({ name }) => name)
    await expect
      .poll(() => [...new Set(calls())].sort())
      .toEqual([...['GET /user', 'GET /user/emails', 'POST /login/oauth/access_token']])
  })
})

describe('a provider', () => {
  it.each(['google', 'facebook', 'register', '%00'])('%s, not configured: 404', async (name) => {
    for (const path of [`/api/auth/${name}`, `/api/auth/${name}/callback`]) {
      const { status, body } = await auth.get(path)
      expect([status, body.title]).toEqual([404, 'Not Found'])
    }
  })

  it('that is away: the person is told, and it is asked again next time', async () => {
    const away = newcomer().username
    await using other = await startAuth({
      AUTH_OIDC_ISSUER: 'http://127.0.0.1:1',
      AUTH_OIDC_CLIENT_ID: away,
    })
    for (const _ of [1, 2]) {
      const { location } = await openBrowser().go(`${other.url}/api/auth/oidc`)
      expect(location).toBe(`${other.url}/auth/error?provider=oidc&reason=unavailable`)
    }
  })
})

it('no code, state or e-mail address is on a span or in the log', async () => {
  const person = stranger()
  const browser = openBrowser()
  const back = new URL(await logInAt(browser, person))
  const page = await browser.go(back.href)
  expect(page.location).toContain('/auth/callback')
  await expect
    .poll(() =>
      auth.collector.spans().some((span) => span.name === 'GET /api/auth/{provider}/callback'),
    )
    .toBe(true)
  const shown = JSON.stringify([auth.collector.spans(), auth.log], (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  for (const name of ['code', 'state']) expect(shown).not.toContain(back.searchParams.get(name))
  expect(shown).not.toContain(person.email)
})
