import type { Identity, IdentityReader } from '@clew/kit/identity'
import type { Problem } from '@clew/kit/problem'
import { trace } from '@opentelemetry/api'
import type { Request } from 'express'

export type Asking = (request: Request) => Promise<Identity>

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/** Who asks: nobody may without a token. The function it gives throws Problem 401. */
export function createAsking(identity: IdentityReader): Asking {
  return async (request) => {
    const asking = await identity.require(request.headers.authorization)
    trace.getActiveSpan()?.setAttribute('user.id', asking.userId)
    return asking
  }
}

/** The id in the path. @throws Problem 404 for what cannot be an id: nothing has it */
export function readId(text: string | undefined, nothing: () => Problem): string {
  const id = text?.toLowerCase() ?? ''
  if (!uuid.test(id)) throw nothing()
  return id
}
