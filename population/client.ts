import pg from 'pg'

/** A connection that is not open yet; whoever connects it ends it, too. */
export function createClient(url: string): pg.Client {
  const client = new pg.Client({ connectionString: url })
  // A connection that breaks fails the next query; without this it would end the process first.
  client.on('error', () => undefined)
  return client
}

/** A connection for as long as `use` lasts. */
export async function withClient<Result>(
  url: string,
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = createClient(url)
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
