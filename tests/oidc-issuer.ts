import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'
import { request } from 'undici'

export type Issuer = AsyncDisposable & {
  /** What a browser would do: log in, agree, and be sent back. Gives the address it is sent back to. */
  visit(address: string): Promise<string>
}
export type IssuerOptions = {
  issuer: string
  clientId: string
  clientSecret: string
  callback: string
  person: { sub: string; email: string; preferred_username: string }
}

/** A real OpenID Connect issuer on loopback, where one person is always logged in and agrees to all. */
export async function openIssuer(options: IssuerOptions): Promise<Issuer> {
  const { issuer, clientId, clientSecret, callback, person } = options
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [callback] }],
    clientAuthMethods: ['client_secret_post'],
    clientDefaults: { token_endpoint_auth_method: 'client_secret_post' },
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['preferred_username'],
    },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/agree/${uid}` },
    findAccount: () => ({
      accountId: person.sub,
      claims: () => ({ ...person, email_verified: true }),
    }),
  })
  provider.use(async (context, next) => {
    if (!context.path.startsWith('/agree/')) return next()
    const grant = new provider.Grant({ accountId: person.sub, clientId })
    grant.addOIDCScope('openid email profile')
    const result = { login: { accountId: person.sub }, consent: { grantId: await grant.save() } }
    await provider.interactionFinished(context.req, context.res, result)
    context.respond = false
  })
  const server = createServer(provider.callback())
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(Number(new URL(issuer).port), '127.0.0.1', resolve)
  await promise
  return {
    visit: (address) => browse(address, issuer),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Follows redirects, with cookies, for as long as they stay at `origin`. */
async function browse(address: string, origin: string): Promise<string> {
  const cookies = new Map<string, string>()
  for (let at = address; ; ) {
    if (!at.startsWith(origin)) return at
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await request(at, { headers: { cookie } })
    const text = await answer.body.text()
    for (const set of [answer.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      cookies.set(name, value)
    }
    const { location } = answer.headers
    if (!location) throw new Error(`the issuer answered ${answer.statusCode}: ${text}`)
    at = new URL(String(location), at).href
  }
}
