import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { audience, issuer } from '@clew/kit/identity'
import { Problem, problemBody } from '@clew/kit/problem'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { type ResourceSpans, type TraceSpan, toTraceSpans } from './trace.ts'

type SignOptions = { kid?: string; issuer?: string; expires?: string | number; key?: CryptoKey }

/** A neighbour that speaks auth's contract: its keys, and what it says of a token. */
export async function startAuth() {
  const current = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(current.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
  const asked: string[] = []
  const server = await serve(async (path, body) => {
    asked.push(path)
    if (path === '/.well-known/jwks.json') return { keys: [jwk] }
    return { valid: !revoked.has(JSON.parse(body).token) }
  })
  const revoked = new Set<string>()
  return {
    ...server,
    asked,
    /** Tokens that auth would call invalid. */
    revoked,
    publicKey: current.publicKey,
    sign: (claims: Record<string, unknown>, over: SignOptions = {}) =>
      new SignJWT({ sid: randomUUID(), roles: ['user'], ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: over.kid ?? 'k1' })
        .setIssuer(over.issuer ?? issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(over.expires ?? '15m')
        .sign(over.key ?? current.privateKey),
  }
}

/** Takes the spans that a process exports. */
export async function startCollector() {
  const received: ResourceSpans[] = []
  const server = await serve(async (_path, body) => {
    received.push(...JSON.parse(body).resourceSpans)
    return {}
  })
  return { ...server, spans: (): TraceSpan[] => toTraceSpans(received) }
}

type Reply = object | '' | undefined

/**
 * Answers 200 with JSON, 404 when `answer` gives nothing, a Problem that it throws as what it is, and
 * breaks off when it throws anything else.
 */
export async function serve(answer: (path: string, body: string) => Promise<Reply>) {
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const raw = Buffer.concat(chunks)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
    const answered = await answer(request.url ?? '', body.toString()).catch((thrown) =>
      thrown instanceof Problem ? thrown : ('broken' as const),
    )
    if (answered === 'broken') return void request.destroy()
    const refused = answered instanceof Problem
    response.statusCode = refused ? answered.status : answered ? 200 : 404
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(refused ? problemBody(answered) : answered || {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close,
    [Symbol.asyncDispose]: close,
  }
}
