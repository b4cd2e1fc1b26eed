import type { Identity, IdentityReader } from '@clew/kit/identity'
import { Problem } from '@clew/kit/problem'
import { parse } from '@clew/kit/validate'
import type { RouterContext } from '@koa/router'
import { trace } from '@opentelemetry/api'
import type { z } from 'zod'
import { idForm } from '../id-text.ts'
import { noPost } from '../store/posts.ts'

export type Context = RouterContext
export type Asking = ReturnType<typeof createAsking>

/** Who asks: for routes that need somebody, and for those that are open to all. */
export function createAsking(identity: IdentityReader) {
  async function require(ctx: Context): Promise<Identity> {
    const asking = await identity.require(ctx.req.headers.authorization)
    trace.getActiveSpan()?.setAttribute('user.id', asking.userId)
    return asking
  }
  return {
    /** @throws Problem 401 */
    require,
    /** Nobody needs a token here, but one that is shown must be good. @throws Problem 401 */
    async allow(ctx: Context): Promise<Identity | undefined> {
      return ctx.req.headers.authorization === undefined ? undefined : require(ctx)
    },
  }
}

/** The id of the post in the path. @throws Problem 404 for what cannot be an id: nothing has it */
export function readPostId(ctx: Context): string {
  return readId(ctx.params.id, noPost)
}

/** The id of the person in the path. @throws Problem 404 for what cannot be an id: nobody has it */
export function readPersonId(ctx: Context): string {
  return readId(ctx.params.user_id, nobody)
}

function readId(text: string | undefined, nothing: () => Problem): string {
  const id = text?.toLowerCase() ?? ''
  if (!idForm.test(id)) throw nothing()
  return id
}

function nobody(): Problem {
  return new Problem(404, 'There is no such person.')
}

/** What follows the `?`, or `usual` when nothing does, which is mostly so. @throws Problem 422 */
export function readQuery<Schema extends z.ZodType>(
  ctx: Context,
  schema: Schema,
  usual: z.infer<Schema>,
): z.infer<Schema> {
  return ctx.querystring === '' ? usual : parse(schema, ctx.query)
}
