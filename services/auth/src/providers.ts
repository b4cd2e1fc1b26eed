import { Problem } from '@clew/kit/problem'
import * as oidc from 'openid-client'
import type { Config } from './config.ts'
import { tracedFetch } from './traced-fetch.ts'

export type ProviderName = 'google' | 'github' | 'oidc'
/** Someone as a provider knows them. */
export type ProviderAccount = { subject: string; email: string | undefined; username: string }
/** What must be kept until they come back. */
export type Flow = { provider: ProviderName; state: string; nonce: string; verifier: string }

export type Provider = {
  name: ProviderName
  /** Where to send the person. @throws when the provider cannot be reached */
  begin(): Promise<{ url: URL; flow: Flow }>
  /** @throws when the provider's answer does not fit the flow, or it cannot be reached */
  finish(answer: URL, flow: Flow): Promise<ProviderAccount>
}
export type Providers = { find(name: string): Provider | undefined }

type Source = {
  scope: string
  open(): Promise<oidc.Configuration>
  /** A provider that speaks OpenID Connect says who it is in its ID token. */
  identifies: boolean
  readAccount(
    client: oidc.Configuration,
    tokens: Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>,
  ): Promise<ProviderAccount>
}

/** Those providers that the configuration has a client id for. */
export function createProviders(config: Config): Providers {
  const found = new Map<string, Provider>()
  const add = (name: ProviderName, source: Source | undefined) => {
    if (source) found.set(name, createProvider(name, source, callbackUrl(config.gatewayUrl, name)))
  }
  add('google', google(config.google))
  add('github', github(config.github))
  add('oidc', anyIssuer(config.oidc))
  return { find: (name) => found.get(name) }
}

function createProvider(name: ProviderName, source: Source, redirectUri: string): Provider {
  let opened: Promise<oidc.Configuration> | undefined
  const open = () => {
    opened ??= source.open().catch((error) => {
      // The next person gets another try.
      opened = undefined
      throw error
    })
    return opened
  }
  return {
    name,
    async begin() {
      const client = await open()
      const verifier = oidc.randomPKCECodeVerifier()
      const flow = {
        provider: name,
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier,
      }
      const url = oidc.buildAuthorizationUrl(client, {
        redirect_uri: redirectUri,
        scope: source.scope,
        state: flow.state,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(source.identifies && { nonce: flow.nonce }),
      })
      return { url, flow }
    },
    async finish(answer, flow) {
      const client = await open()
      const tokens = await oidc.authorizationCodeGrant(client, answer, {
        pkceCodeVerifier: flow.verifier,
        expectedState: flow.state,
        ...(source.identifies && { expectedNonce: flow.nonce, idTokenExpected: true }),
      })
      return source.readAccount(client, tokens)
    },
  }
}

function google({ clientId, clientSecret }: Config['google']): Source | undefined {
  return clientId ? issuer('https://accounts.google.com', clientId, clientSecret) : undefined
}

function anyIssuer({ issuer: url, clientId, clientSecret }: Config['oidc']): Source | undefined {
  return url && clientId ? issuer(url, clientId, clientSecret) : undefined
}

function issuer(url: string, id: string, secret: string | undefined): Source {
  const server = new URL(url)
  return {
    scope: 'openid email profile',
    identifies: true,
    async open() {
      const options = { [oidc.customFetch]: tracedFetch, timeout: 5, execute: insecure(server) }
      return oidc.discovery(server, id, undefined, authenticate(secret), options)
    },
    async readAccount(client, tokens) {
      const claims = tokens.claims()!
      // Many issuers keep e-mail and name for the userinfo endpoint.
      const info = client.serverMetadata().userinfo_endpoint
        ? await oidc.fetchUserInfo(client, tokens.access_token, claims.sub)
        : claims
      const all = { ...claims, ...info }
      return {
        subject: claims.sub,
        // Who does not say that it is verified may have let anybody type it.
        email: all.email_verified === true ? text(all.email) : undefined,
        username: text(all.preferred_username) ?? text(all.nickname) ?? text(all.name) ?? '',
      }
    },
  }
}

/** GitHub speaks OAuth 2 without OpenID Connect: who came is asked of its API. */
function github(config: Config['github']): Source | undefined {
  const { clientId, clientSecret, url: site, apiUrl: api } = config
  if (!clientId) return undefined
  const server = new URL(site)
  return {
    scope: 'read:user user:email',
    identifies: false,
    async open() {
      const endpoints = {
        issuer: server.origin,
        authorization_endpoint: under(site, 'login/oauth/authorize'),
        token_endpoint: under(site, 'login/oauth/access_token'),
      }
      const proof = authenticate(clientSecret)
      const client = new oidc.Configuration(endpoints, clientId, undefined, proof)
      client[oidc.customFetch] = tracedFetch
      client.timeout = 5
      for (const change of insecure(server)) change(client)
      return client
    },
    async readAccount(client, { access_token: token }) {
      const ask = async (path: string): Promise<unknown> => {
        const url = new URL(under(api, path))
        const answer = await oidc.fetchProtectedResource(client, token, url, 'GET')
        if (!answer.ok) throw new Problem(502, `GitHub answered ${answer.status}.`)
        return answer.json()
      }
      const [person, emails] = await Promise.all([ask('user'), ask('user/emails')])
      const { id: number, login } = person as { id: number; login: string }
      const known = emails as { email: string; primary: boolean; verified: boolean }[]
      return {
        subject: String(number),
        email: known.find(({ primary, verified }) => primary && verified)?.email,
        username: login,
      }
    },
  }
}

function authenticate(secret: string | undefined): oidc.ClientAuth {
  return secret ? oidc.ClientSecretPost(secret) : oidc.None()
}

/** An issuer on one's own machine may do without TLS. */
function insecure({ protocol }: URL): ((client: oidc.Configuration) => void)[] {
  return protocol === 'http:' ? [oidc.allowInsecureRequests] : []
}

function callbackUrl(gatewayUrl: string, name: ProviderName): string {
  return under(gatewayUrl, `api/auth/${name}/callback`)
}

function under(base: string, path: string): string {
  return `${base.replace(/\/$/, '')}/${path}`
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
