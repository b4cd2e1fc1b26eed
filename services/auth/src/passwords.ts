import { randomUUID } from 'node:crypto'
import { Problem } from '@clew/kit/problem'
import { recordException } from '@clew/telemetry/error'
import { hash, verify } from '@node-rs/bcrypt'
import { trace } from '@opentelemetry/api'
import { bulkhead, isBulkheadRejectedError } from 'cockatiel'

export type Passwords = {
  /** @throws Problem 503 when too many wait already */
  hash(password: string): Promise<string>
  /**
   * Takes the same time whether or not there is a hash to compare with.
   * @throws Problem 503 when too many wait already
   */
  verify(password: string, hash: string | undefined): Promise<boolean>
}

const cost = 10
const tracer = trace.getTracer('@clew/auth')

/**
 * bcrypt takes some 50 ms of a core, on a thread of the pool. At most `running` run at once, so that
 * a flood of logins leaves cores for everybody else; beyond `waiting` more, it is refused.
 */
export function createPasswords({ running = 2, waiting = 100 } = {}): Passwords {
  const room = bulkhead(running, waiting)
  // Nobody's password: what an unknown account is compared with.
  const nobody = hash(randomUUID(), { cost })

  function work<Result>(name: string, run: () => Promise<Result>): Promise<Result> {
    return tracer.startActiveSpan(name, async (span) => {
      try {
        return await room.execute(run)
      } catch (error) {
        recordException(error)
        throw isBulkheadRejectedError(error) ? crowded() : error
      } finally {
        span.end()
      }
    })
  }
  return {
    hash: (password) => work('hash password', () => hash(password, { cost })),
    verify: (password, known) =>
      work('verify password', async () => {
        const matches = await verify(password, known ?? (await nobody))
        return matches && known !== undefined
      }),
  }
}

function crowded(): Problem {
  return new Problem(503, 'Too many people are signing in right now. Try again in a moment.', {
    headers: { 'retry-after': '2' },
  })
}
