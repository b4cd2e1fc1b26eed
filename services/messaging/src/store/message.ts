/** A row as it is sent out; JSON turns `created_at` into ISO text. */
export type Message = {
  id: string
  conversation_id: string
  sender_id: string
  body: string
  created_at: Date
  client_id: string
}
/** A message, and everybody in its conversation, its sender included. */
export type Stored = { message: Message; memberIds: string[] }
/** `member_ids` is null when all have left. */
export type MessageRow = Message & { member_ids: string | null }

export const messageColumns = 'id, conversation_id, sender_id, body, created_at, client_id'
export const withMembers = `${messageColumns}, member_ids(conversation_id)`
/** Of the UUIDs the last: behind every id. */
export const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

export function toStored({ member_ids, ...message }: MessageRow): Stored {
  return { message, memberIds: member_ids?.split(' ') ?? [] }
}
