import type { Queryable } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { type MessageRow, type Stored, toStored, withMembers } from './message.ts'

/** Ends the transaction of a message that was stored before: nothing is changed by it. */
export class Repeated extends Error {
  override name = 'Repeated'
  readonly stored: Stored
  constructor(stored: Stored) {
    super('this message was stored before')
    this.stored = stored
  }
}

/** The problem if the message that was stored before is of another conversation. */
export async function findRepeated(
  tx: Queryable,
  me: string,
  clientId: string,
  conversationId: string,
): Promise<Repeated | Problem> {
  const [row] = await tx.query<MessageRow>(
    `select ${withMembers} from messages
     where sender_id = $1 and client_id = $2 and conversation_id = $3`,
    [me, clientId, conversationId],
  )
  if (row) return new Repeated(toStored(row))
  return new Problem(409, 'This client_id is of a message in another conversation.')
}
