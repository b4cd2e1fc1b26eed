import { randomUUID } from 'node:crypto'
import { audience, issuer } from '@clew/kit/identity'
import { type CryptoKey, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { note } from '../notes.ts'
import { readSigningKey } from '../signing-key.ts'

/** Authorization headers that no service may accept, by what is wrong with them. */
export async function badTokens(): Promise<Record<string, string | undefined>> {
  const { kid, key, text } = await readSigningKey()
  const stranger = await generateKeyPair('RS256')
  const claims = { sub: randomUUID(), sid: randomUUID(), roles: ['admin'] }
  const sign = (
    payload: JWTPayload,
    header = { alg: 'RS256', kid },
    by: CryptoKey | Buffer = key,
  ) =>
    new SignJWT({ iss: issuer, aud: audience, exp: seconds(600), ...claims, ...payload })
      .setProtectedHeader(header)
      .setIssuedAt()
      .sign(by)
  const unsigned = [{ alg: 'none' }, { iss: issuer, aud: audience, exp: seconds(600), ...claims }]
  const good = await sign({})
  const tokens = {
    'a token that has expired': await sign({ exp: seconds(-60) }),
    'a token of another issuer': await sign({ iss: 'https://elsewhere.example' }),
    'a token for another audience': await sign({ aud: 'elsewhere' }),
    'a token by a key that nobody knows': await sign(
      {},
      { alg: 'RS256', kid: 'unknown' },
      stranger.privateKey,
    ),
    'a token by a stranger under our key id': await sign(
      {},
      { alg: 'RS256', kid },
      stranger.privateKey,
    ),
    'a token signed with our public key as a secret (HS256)': await sign(
      {},
      { alg: 'HS256', kid },
      Buffer.from(text),
    ),
    'a token with no signature (none)': `${unsigned.map(encode).join('.')}.`,
    'a token with a changed body': good.replace(
      /\.[^.]+\./,
      `.${encode({ ...claims, sub: 'x' })}.`,
    ),
  }
  note(...Object.values(tokens).map((secret) => ({ secret })))
  return {
    'no token': undefined,
    'something else': 'Basic c29tZWJvZHk6c2VjcmV0',
    'a malformed token': 'Bearer not-a-token',
    ...Object.fromEntries(Object.entries(tokens).map(([why, token]) => [why, `Bearer ${token}`])),
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function seconds(fromNow: number): number {
  return Math.floor(Date.now() / 1_000) + fromNow
}
