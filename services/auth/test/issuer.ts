import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

// Typed for what is used here: its own log-in pages, and few settings.
const Issuer = Provider as unknown as new (
  url: string,
  settings: object,
) => { callback(): RequestListener }

export type Person = {
  sub: string
  email?: string
  email_verified?: boolean
  preferred_username?: string
}
export const client = { id: 'clew', secret: 'a secret of at least thirty-two bytes' }

/** A real OpenID Connect issuer on loopback. Whoever logs in there is whom the test says. */
export async function startIssuer() {
  let listener: RequestListener = (_request, response) => void response.writeHead(503).end()
  const server = createServer((request, response) => listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const people = new Map<string, Person>()
  return {
    url,
    people,
    /** From now on it serves, for a client that takes people back at `redirectUri`. */
    serve(redirectUri: string) {
      const provider = new Issuer(url, {
        clients: [
          {
            client_id: client.id,
            client_secret: client.secret,
            redirect_uris: [redirectUri],
            token_endpoint_auth_method: 'client_secret_post',
          },
        ],
        pkce: { required: () => true },
        claims: {
          openid: ['sub'],
          email: ['email', 'email_verified'],
          profile: ['preferred_username'],
        },
        findAccount: async (_: unknown, sub: string) => ({
          accountId: sub,
          claims: async () => ({ ...people.get(sub), sub }),
        }),
      })
      listener = provider.callback()
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
