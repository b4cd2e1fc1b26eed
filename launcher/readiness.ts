import { connect } from 'node:net'
import pg from 'pg'

/** Answers whether the part can be used now; never throws. */
export type Probe = () => Promise<boolean>

const answerMs = 1_000

/** Ready when the address answers with a 2xx status. */
export function answersHttp(url: string): Probe {
  return async () => {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(answerMs) })
      await response.body?.cancel()
      return response.ok
    } catch {
      return false
    }
  }
}

/** Ready when the port accepts a connection and, if words are given, answers them as expected. */
export function answersTcp(port: number, say = '', expected = ''): Probe {
  return () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    let heard = ''
    const socket = connect(port, '127.0.0.1')
    const settle = (ready: boolean) => {
      resolve(ready)
      socket.destroy()
    }
    socket.setTimeout(answerMs, () => settle(false))
    socket.on('error', () => settle(false))
    socket.on('close', () => settle(false))
    socket.on('connect', () => (expected ? socket.write(say) : settle(true)))
    socket.on('data', (bytes) => {
      heard += bytes
      if (heard.includes(expected)) settle(true)
    })
    return promise
  }
}

/** Ready when a query comes back. */
export function answersSql(databaseUrl: string): Probe {
  return async () => {
    const client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: answerMs,
    })
    // The server ending while we are connected is an answer too, not a crash of the launcher.
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('select 1')
      return true
    } catch {
      return false
    } finally {
      await client.end()
    }
  }
}
