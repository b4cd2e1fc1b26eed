import type { Platform } from '@clew/launcher/platform'
import pg from 'pg'

/** Address of a service's database, as the administrator, whom row-level security does not bind. */
function databaseUrl({ urls }: Platform, service: string): string {
  return urls.postgres.replace(/\/[^/]*$/, `/${service}`)
}

/** Those that a population is written to. */
export function databasesOf(platform: Platform) {
  return {
    auth: databaseUrl(platform, 'auth'),
    profile: databaseUrl(platform, 'profile'),
    feed: databaseUrl(platform, 'feed'),
  }
}

/** One query to it. */
export async function queryDatabase(
  platform: Platform,
  service: string,
  sql: string,
  values: unknown[] = [],
): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: databaseUrl(platform, service) })
  await client.connect()
  const { rows } = await client.query(sql, values).finally(() => client.end())
  return rows
}
