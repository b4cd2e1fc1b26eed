import type { Identity, IdentityReader } from '@clew/kit/identity'
import type { HttpBindings } from '@hono/node-server'
import { trace } from '@opentelemetry/api'
import type { Context } from 'hono'
import { noMedia } from '../store.ts'

export type Env = { Bindings: HttpBindings }
export type Asking = ReturnType<typeof createAsking>

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/** Who asks: for routes that need somebody, and for those that show more to the owner. */
export function createAsking(identity: IdentityReader) {
  async function insist(c: Context<Env>): Promise<Identity> {
    const asking = await identity.require(c.env.incoming.headers.authorization)
    trace.getActiveSpan()?.setAttribute('user.id', asking.userId)
    return asking
  }
  return {
    /** @throws Problem 401 */
    require: insist,
    /** Nobody needs a token here, but one that is shown must be good. @throws Problem 401 */
    async allow(c: Context<Env>): Promise<Identity | undefined> {
      return c.env.incoming.headers.authorization === undefined ? undefined : insist(c)
    },
    /**
     * For what a page embeds: by bearer or by the cookie `clew_token`. A bad token counts as none,
     * since a picture that everybody may see must not vanish with a session.
     */
    async recognise(c: Context<Env>): Promise<Identity | undefined> {
      const { authorization, cookie } = c.env.incoming.headers
      const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? readCookie(cookie)
      const asking = token ? await identity.read(token) : { refused: 'absent' }
      if ('refused' in asking) return undefined
      trace.getActiveSpan()?.setAttribute('user.id', asking.userId)
      return asking
    },
  }
}

function readCookie(cookie = ''): string | undefined {
  return /(?:^|;\s*)clew_token=([^;\s]+)/.exec(cookie)?.[1]
}

/** The media in the path. @throws Problem 404 for what cannot be an id: no media has it */
export function readMediaId(c: Context<Env>): string {
  return checked(c.req.param('id')?.toLowerCase())
}

/**
 * The same, but only as we write it: the gateway keeps bytes by their path, and a deletion reaches
 * no other spelling of it.
 */
export function readExactId(c: Context<Env>): string {
  return checked(c.req.param('id'))
}

function checked(id = ''): string {
  if (!uuid.test(id)) throw noMedia()
  return id
}
