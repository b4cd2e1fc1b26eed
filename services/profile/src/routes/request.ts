import type { Identity, IdentityReader } from '@clew/kit/identity'
import type { HttpBindings } from '@hono/node-server'
import { trace } from '@opentelemetry/api'
import type { Context } from 'hono'
import { nobody } from '../store.ts'

export type Env = { Bindings: HttpBindings }
export type Asking = ReturnType<typeof createAsking>

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/** Who asks: for routes that need somebody, and for those that are open to all. */
export function createAsking(identity: IdentityReader) {
  async function require(c: Context<Env>): Promise<Identity> {
    const asking = await identity.require(c.env.incoming.headers.authorization)
    trace.getActiveSpan()?.setAttribute('user.id', asking.userId)
    return asking
  }
  return {
    /** @throws Problem 401 */
    require,
    /** Nobody needs a token here, but one that is shown must be good. @throws Problem 401 */
    async allow(c: Context<Env>): Promise<void> {
      if (c.env.incoming.headers.authorization !== undefined) await require(c)
    },
  }
}

/** The person in the path. @throws Problem 404 for what cannot be an id: nobody has it */
export function readPerson(c: Context<Env>): string {
  const id = c.req.param('id')?.toLowerCase() ?? ''
  if (!uuid.test(id)) throw nobody()
  return id
}
