import type { Postgres, Queryable } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { v7 as uuid } from 'uuid'
import { mostMembers } from '../schemas.ts'
import { addMembers, type Conversation, noConversation, readConversation } from './conversation.ts'

export type Groups = ReturnType<typeof createGroups>

/** Who comes into a group and who goes. All functions throw Problem 503 while Postgres is away. */
export function createGroups(postgres: Postgres) {
  function add(me: string, others: string[], title: string | null): Promise<Conversation> {
    return postgres.transaction(async (tx) => {
      const id = uuid()
      await tx.query(
        `insert into conversations (id, kind, title, made_by, activity_id)
         values ($1, 'group', $2, $3, $1)`,
        [id, title, me],
      )
      await addMembers(tx, id, [me, ...others])
      return readConversation(tx, me, id)
    }, me)
  }

  /**
   * Brings more people into a group; for them everything said until now is history.
   * @throws Problem 404 unless `me` is in it, 409 for a direct conversation and for one that is full
   */
  function bring(me: string, id: string, people: string[]): Promise<Conversation> {
    return postgres.transaction(async (tx) => {
      const { last_said } = await lockGroup(tx, me, id)
      await addMembers(tx, id, people, last_said)
      const conversation = await readConversation(tx, me, id)
      if (conversation.member_count > mostMembers) {
        throw new Problem(409, `A group has at most ${mostMembers} members.`)
      }
      return conversation
    }, me)
  }

  /**
   * Takes somebody out of a group. A maker who leaves hands it to whoever has been in it longest.
   * @throws Problem 404 unless both are in it, 403 for somebody else unless `me` made it, 409 for a
   *   direct conversation
   */
  function remove(me: string, id: string, person: string): Promise<void> {
    return postgres.transaction(async (tx) => {
      const { made_by } = await lockGroup(tx, me, id)
      if (person !== me && made_by !== me) {
        throw new Problem(403, 'Only who made a group may take others out of it.')
      }
      if (person === made_by) await tx.query('select from hand_over($1)', [id])
      const gone = await tx.query(
        'delete from members where conversation_id = $1 and user_id = $2 returning user_id',
        [id, person],
      )
      if (gone.length === 0) throw noMember()
    }, me)
  }

  return { add, bring, remove }
}

export function noMember(): Problem {
  return new Problem(404, 'This person is not in the group.')
}

/** Until the commit nobody else changes who is in it, or writes to it. */
async function lockGroup(tx: Queryable, me: string, id: string) {
  const [row] = await tx.query<{ kind: string; made_by: string; last_said: string | null }>(
    `select kind, made_by, nullif(activity_id, id) as last_said from conversations
     join members on conversation_id = id and user_id = $2
     where id = $1 for update of conversations`,
    [id, me],
  )
  if (!row) throw noConversation()
  if (row.kind === 'direct') {
    throw new Problem(409, 'A direct conversation is between two people and stays so.')
  }
  return row
}
