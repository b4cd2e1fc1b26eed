import { traceOperation } from '@clew/telemetry/database'
import { runUntraced } from '@clew/telemetry/untraced'
import pg from 'pg'
import { Problem } from './problem.ts'
import { describeStatement, type Statement } from './statement.ts'

export type Queryable = {
  /** Runs one statement with `$1, $2` parameters, prepared once per connection; gives its rows. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>
}
export type Postgres = Queryable &
  AsyncDisposable & {
    /**
     * Runs `work` in one transaction; whatever it throws rolls back.
     * With `asUser` (a UUID) row-level security lets through only that person's rows.
     */
    transaction<Result>(work: (tx: Queryable) => Promise<Result>, asUser?: string): Promise<Result>
    ping(): Promise<void>
  }

/** The next call will not do better until the database is back. */
export class DatabaseAway extends Problem {
  constructor(cause: unknown) {
    super(503, 'The database cannot be reached. Try again in a moment.', {
      headers: { 'retry-after': '1' },
      cause,
    })
  }
}

type Options = { connections?: number; connectMs?: number; statementMs?: number }

/**
 * A pool of connections to one service's database.
 * @throws DatabaseAway, a Problem 503, from every call while the database cannot be reached; Problem 503
 *   for a statement that took too long or met a deadlock; SQL errors pass as they are
 */
export function openPostgres(url: string, options: Options = {}): Postgres {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connections ?? 8,
    connectionTimeoutMillis: options.connectMs ?? 1_500,
    statement_timeout: options.statementMs ?? 5_000,
    query_timeout: (options.statementMs ?? 5_000) + 500,
  })
  // A connection that breaks, idle or within a transaction, is replaced; the query on it fails by
  // itself. Without these listeners it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const describe = describeStatement(new URL(url))

  const run = <Row extends object>(
    on: pg.Pool | pg.PoolClient,
    text: string,
    values?: unknown[],
  ) => {
    const statement = describe(text)
    return orAway(traceOperation(statement, () => execute<Row>(on, statement, values), countRows))
  }
  return {
    query: (text, values) => run(pool, text, values),
    async transaction(work, asUser) {
      const client = await connect(pool)
      let broken = false
      try {
        await run(client, asUser ? beginAs(asUser) : 'begin')
        const result = await work({ query: (text, values) => run(client, text, values) })
        await run(client, 'commit')
        return result
      } catch (error) {
        broken = await run(client, 'rollback').then(
          () => false,
          () => true,
        )
        throw error
      } finally {
        client.release(broken)
      }
    },
    ping: () =>
      runUntraced(async () => {
        await pool.query('select 1')
      }),
    [Symbol.asyncDispose]: () => pool.end(),
  }
}

async function execute<Row extends object>(
  on: pg.Pool | pg.PoolClient,
  statement: Statement,
  values: unknown[] | undefined,
): Promise<Row[]> {
  const { name, text } = statement.prepared
  const result = await on.query<Row>(values ? { name, text, values } : { text })
  return result.rows
}

/** Outside the span, which shows the error that the driver met. */
async function orAway<Result>(running: Promise<Result>): Promise<Result> {
  try {
    return await running
  } catch (error) {
    throw toTrouble(error)
  }
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw new DatabaseAway(error)
  }
}

// `set local` takes no parameters, so the id is checked before it becomes part of the text.
function beginAs(user: string): string {
  if (!/^[0-9a-f-]{36}$/.test(user)) throw new Error('asUser must be a UUID')
  return `begin; set local app.user_id = '${user}'`
}

function countRows(rows: object[] | undefined) {
  return { 'db.response.returned_rows': rows?.length ?? 0 }
}

// A statement that took too long, and one that a deadlock ended: the next may do well.
const passing = /^(57014|40P01)$/

function toTrouble(error: unknown): unknown {
  const { code } = error as { code?: string }
  if (unreachable(error)) return new DatabaseAway(error)
  if (!code || !passing.test(code)) return error
  return new Problem(503, 'The database is busy. Try again in a moment.', {
    headers: { 'retry-after': '1' },
    cause: error,
  })
}

function unreachable(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string }
  if (code) return /^(E[A-Z]+|08\w{3}|57P\d\d|53300)$/.test(code)
  return /timeout exceeded when trying to connect|Connection terminated|not queryable|Query read timeout/.test(
    message ?? '',
  )
}
