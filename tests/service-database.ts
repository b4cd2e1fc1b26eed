import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { migrate } from '@clew/launcher/migrations'
import { createDatabases } from '@clew/launcher/postgres'
import { withClient } from '@clew/population/client'
import { createClient } from 'redis'
import type { ServicePlatform } from './service-platform.ts'

export type TestDatabase = AsyncDisposable & {
  /** As the service connects: its own role, which owns nothing. */
  url: string
  /** As the owner of the tables, whom row-level security does not bind. */
  ownerUrl: string
}
export type TestRedis = AsyncDisposable & {
  /** As the service connects: its own user, in a Redis database that nobody else uses. */
  url: string
}

const services = join(import.meta.dirname, '..', 'services')

/**
 * A fresh database with the service's tables, made the way the launcher makes the real one.
 * Dropped on disposal, whoever may still be connected.
 */
export async function openTestDatabase(service: string): Promise<TestDatabase> {
  const admin = readPlatform().postgres
  const name = `${service}_${randomBytes(6).toString('hex')}`
  await withClient(admin, async (client) => {
    // Test files start at once; the first makes the pattern that all of them copy.
    await client.query('select pg_advisory_lock(hashtext($1))', [`pattern ${service}`])
    const password = passwordOf(service)
    await createDatabases({ [service]: password }, (database) => withPath(admin, database))
    await migrate(join(services, service, 'migrations'), withPath(admin, service))
    await client.query(`create database ${name} template ${service}`)
  })
  return {
    url: withUser(withPath(admin, name), service),
    ownerUrl: withPath(admin, name),
    [Symbol.asyncDispose]: () =>
      withClient(admin, async (client) => {
        await client.query(`drop database if exists ${name} with (force)`)
      }),
  }
}

/** A Redis database of its own, emptied on disposal. */
export async function openTestRedis(service: string): Promise<TestRedis> {
  const admin = readPlatform().redis
  const client = createClient({ url: admin })
  await client.connect()
  // Number 0 holds the count of those given away.
  const number = ((await client.incr('clew:tests')) % 255) + 1
  await client.close()
  const url = withPath(admin, String(number))
  const empty = async () => {
    const own = createClient({ url })
    await own.connect()
    await own.flushDb()
    await own.close()
  }
  await empty()
  return { url: withUser(url, service), [Symbol.asyncDispose]: empty }
}

function passwordOf(service: string): string {
  return readPlatform().passwords?.[service] ?? service
}

function readPlatform(): ServicePlatform {
  const platform = process.env.CLEW_TEST_PLATFORM
  if (!platform) throw new Error('CLEW_TEST_PLATFORM is not set: run under the service project')
  return JSON.parse(platform)
}

function withPath(address: string, path: string): string {
  const url = new URL(address)
  url.pathname = `/${path}`
  return url.href
}

/** Another user's way to the same server. A user no service has takes its name as password. */
export function withUser(address: string, user: string): string {
  const url = new URL(address)
  url.username = user
  url.password = passwordOf(user)
  return url.href
}
