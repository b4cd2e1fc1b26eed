import { chmod, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@clew/kit/log'
import { accessTokenSeconds } from '@clew/kit/revocations'
import {
  type CryptoKey,
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose'

export type Keys = AsyncDisposable & {
  /** The key that signs now. */
  signing(): { kid: string; key: CryptoKey }
  /** What `/.well-known/jwks.json` says: every key whose tokens may still be valid. */
  published(): { keys: JWK[] }
  /** For verifying our own tokens. */
  find: JWTVerifyGetKey
}
type StoredKey = { number: number; createdAt: number; kid: string; jwk: JWK }

const lifeMs = 30 * 24 * 3_600_000
/** A new key is shown to verifiers this long before it signs, unless there is no other. */
const noticeMs = 2 * 60_000
const lookMs = 60_000
/** After a successor took over: the last token's life, and a minute for clocks. */
const overlapMs = noticeMs + accessTokenSeconds * 1_000 + 60_000

/**
 * The signing keys in a folder. Makes the first on first start and a new one every 30 days; looks at
 * the folder each minute, so that all instances, and a rotation by hand, come to the same keys.
 */
export async function openKeys(folder: string, log: Logger): Promise<Keys> {
  let current = await prepare(await rotateKeys(folder))
  const stop = new AbortController()
  const looking = look()

  async function look() {
    while (!stop.signal.aborted) {
      await sleep(lookMs, undefined, { signal: stop.signal, ref: false }).catch(() => {})
      if (stop.signal.aborted) return
      try {
        current = await prepare(await rotateKeys(folder))
      } catch (error) {
        log.error({ err: error }, 'signing keys not read again')
      }
    }
  }
  return {
    signing: () => current.signing,
    published: () => current.published,
    find: (header, token) => current.find(header, token),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await looking
    },
  }
}

/**
 * Brings the folder up to date and gives its keys, oldest first: adds a key when there is none, the
 * newest is 30 days old, or `force` says so; removes those whose last token has expired.
 */
export async function rotateKeys(
  folder: string,
  { force = false, now = Date.now() } = {},
): Promise<StoredKey[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  let keys = await readKeys(folder)
  const newest = keys.at(-1)
  if (!newest || force || now - newest.createdAt > lifeMs) {
    await addKey(folder, (newest?.number ?? 0) + 1, now)
    keys = await readKeys(folder)
  }
  const [retired, kept] = split(keys, now)
  await Promise.all(retired.map(({ number }) => rm(path(folder, number), { force: true })))
  return kept
}

/** The newest key that verifiers have had time to learn of; else the oldest there is. */
export function chooseSigner(keys: StoredKey[], now = Date.now()): StoredKey {
  const [oldest] = keys
  if (!oldest) throw new Error('there is no signing key')
  return keys.findLast(({ createdAt }) => now - createdAt >= noticeMs) ?? oldest
}

function split(keys: StoredKey[], now: number): [retired: StoredKey[], kept: StoredKey[]] {
  const isRetired = (_: StoredKey, index: number) => {
    const successor = keys[index + 1]
    return successor !== undefined && now - successor.createdAt > overlapMs
  }
  return [keys.filter(isRetired), keys.filter((key, index) => !isRetired(key, index))]
}

async function prepare(keys: StoredKey[]) {
  const signer = chooseSigner(keys)
  const published = { keys: keys.map(publicPart) }
  return {
    signing: { kid: signer.kid, key: (await importJWK(signer.jwk, 'RS256')) as CryptoKey },
    published,
    find: createLocalJWKSet(published),
  }
}

function publicPart({ kid, jwk: { kty, n, e } }: StoredKey): JWK {
  return { kty, n, e, kid, alg: 'RS256', use: 'sig' } as JWK
}

async function addKey(folder: string, number: number, now: number): Promise<void> {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true })
  const jwk = await exportJWK(privateKey)
  const key: StoredKey = { number, createdAt: now, kid: await calculateJwkThumbprint(jwk), jwk }
  const draft = join(folder, `.draft-${process.pid}-${key.kid}`)
  await writeFile(draft, JSON.stringify(key), { mode: 0o600 })
  try {
    // Of two instances that do this at once one gets the number; the other uses that key.
    await link(draft, path(folder, number))
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
}

async function readKeys(folder: string): Promise<StoredKey[]> {
  const files = (await readdir(folder)).filter((name) => /^key-\d+\.json$/.test(name))
  const keys = await Promise.all(
    files.map(async (name): Promise<StoredKey> => {
      const file = join(folder, name)
      await chmod(file, 0o600)
      return JSON.parse(await readFile(file, 'utf8'))
    }),
  )
  return keys.sort((a, b) => a.number - b.number)
}

function path(folder: string, number: number): string {
  return join(folder, `key-${number}.json`)
}
