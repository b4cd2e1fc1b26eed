import { createPrivateKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { audience, issuer } from '@clew/kit/identity'
import type { Platform } from '@clew/launcher/platform'
import { queryDatabase } from './database.ts'
import type { User } from './feed-world.ts'

const hours = 6

/**
 * Logs in many people at once: sessions are written into auth's database, and tokens signed with its
 * key. The way through auth would take the time of as many password hashes; and these tokens outlast
 * every measurement, so no socket is closed meanwhile.
 */
export async function openSessions(
  platform: Platform,
  people: Iterable<{ id: string }>,
): Promise<User[]> {
  const signing = await readSigningKey(platform)
  const sessions = Array.from(people, ({ id }) => ({ user: id, session: randomUUID() }))
  await queryDatabase(
    platform,
    'auth',
    `insert into sessions (id, user_id, provider, expires_at)
     select session, person, 'password', now() + make_interval(hours => $3)
     from unnest($1::uuid[], $2::uuid[]) as opened (session, person)`,
    [sessions.map(({ session }) => session), sessions.map(({ user }) => user), hours],
  )
  return sessions.map(({ user, session }) => ({
    id: user,
    token: signToken(signing, user, session),
  }))
}

type Signing = { kid: string; key: KeyObject }

async function readSigningKey({ env }: Platform): Promise<Signing> {
  const folder = env.AUTH_KEYS ?? ''
  const [file = ''] = (await readdir(folder)).filter((name) => /^key-\d+\.json$/.test(name))
  const { kid, jwk } = JSON.parse(await readFile(join(folder, file), 'utf8'))
  return { kid, key: createPrivateKey({ key: jwk, format: 'jwk' }) }
}

function signToken({ kid, key }: Signing, sub: string, sid: string): string {
  const iat = Math.floor(Date.now() / 1_000)
  const claims = {
    sub,
    sid,
    roles: ['user'],
    iss: issuer,
    aud: audience,
    iat,
    exp: iat + hours * 3_600,
  }
  const text = `${encode({ alg: 'RS256', kid, typ: 'JWT' })}.${encode(claims)}`
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
