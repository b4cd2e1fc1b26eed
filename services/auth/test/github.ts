import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** Stands where GitHub would: its three steps, with PKCE, for one person who always agrees. */
export async function startGithub(person: { id: number; login: string; email: string }) {
  const challenges = new Map<string, string>()
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://github')
    const json = (body: unknown, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const given = (name: string) => url.searchParams.get(name) ?? ''
    switch (url.pathname) {
      case '/login/oauth/authorize': {
        const code = randomBytes(8).toString('hex')
        challenges.set(code, given('code_challenge'))
        const back = `${given('redirect_uri')}?code=${code}&state=${given('state')}`
        return response.writeHead(302, { location: back }).end()
      }
      case '/login/oauth/access_token': {
        const form = new URLSearchParams(await text(request))
        const verifier = createHash('sha256').update(form.get('code_verifier') ?? '')
        const fits = challenges.get(form.get('code') ?? '') === verifier.digest('base64url')
        if (!fits) return json({ error: 'bad_verification_code' }, 400)
        return json({ access_token: 'gho_16C7e42F', token_type: 'bearer', scope: 'user:email' })
      }
      default: {
        if (request.headers.authorization !== 'Bearer gho_16C7e42F') return json({}, 401)
        if (url.pathname === '/user') return json({ id: person.id, login: person.login })
        return json([
          { email: 'old@mail.example', primary: false, verified: true },
          { email: person.email, primary: true, verified: true },
        ])
      }
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
