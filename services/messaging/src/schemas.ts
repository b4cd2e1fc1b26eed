import { z } from 'zod'

export const conversationsPerPage = 20
export const messagesPerPage = 50
/** People in one group, its maker included. */
export const mostMembers = 1_000

const id = z.uuid()
// Names are compared as text, so there is one way to write them.
const givenId = z.uuid().toLowerCase()
const time = z.iso.datetime({ offset: true })
const count = z.int().min(0)
const mostBytes = 4_096
// Spaces, control and format characters, and letters without a shape: nobody sees these.
const invisible = /^[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]*$/u

/** Something to read, that Postgres can store as it is. */
const words = z
  .string()
  .max(mostBytes)
  .refine((value) => value.isWellFormed() && !value.includes('\0'), 'must be text')
  .refine((value) => !invisible.test(value), 'must not be blank')

const clientId = z.string().regex(/^[\w.:-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 _ . : -')

export const message = z
  .object({
    id,
    conversation_id: id,
    sender_id: id,
    body: z.string(),
    created_at: time,
    client_id: z.string(),
  })
  .meta({ id: 'Message' })

const target = { to: givenId.optional(), conversation_id: givenId.optional() }
type Aimed = { to?: string | undefined; conversation_id?: string | undefined }
const isAimed = ({ to, conversation_id }: Aimed) =>
  (to === undefined) !== (conversation_id === undefined)
const notAimed = {
  path: ['to'],
  message: 'must be given, or else conversation_id, and not both',
}

const sending = {
  ...target,
  body: words.refine(
    (value) => Buffer.byteLength(value) <= mostBytes,
    `must have at most ${mostBytes} bytes`,
  ),
  client_id: clientId,
}

/** `to` is a person; the first message to them begins the conversation. */
export const newMessage = z
  .strictObject(sending)
  .refine(isAimed, notAimed)
  .meta({ id: 'NewMessage' })

/**
 * `members` are ids, all of them for one conversation, the first 20 in a list. `unread_count` stops
 * at 100.
 */
export const conversation = z
  .object({
    id,
    kind: z.enum(['direct', 'group']),
    title: z.string().nullable(),
    members: z.array(id),
    member_count: count,
    last_message: message.nullable(),
    unread_count: count.max(100),
    last_read_id: id.nullable(),
    created_at: time,
  })
  .meta({ id: 'Conversation' })

function people(most: number) {
  return z
    .array(givenId)
    .min(1)
    .max(most)
    .refine((ids) => new Set(ids).size === ids.length, 'must be different')
}

export const newConversation = z
  .strictObject({ members: people(mostMembers - 1), title: words.max(80).optional() })
  .meta({ id: 'NewConversation' })

export const newMembers = z
  .strictObject({ user_ids: people(mostMembers - 1) })
  .meta({ id: 'NewMembers' })

export const readMark = z.strictObject({ message_id: givenId }).meta({ id: 'ReadMark' })

export const unread = z.object({ unread_count: count.max(100) }).meta({ id: 'Unread' })

/** Most recently active first. `next_cursor` is null on the last page. */
export const conversationPage = z
  .object({ conversations: z.array(conversation), count, next_cursor: z.string().nullable() })
  .meta({ id: 'ConversationPage' })

/** Newest first. `next_cursor` is null on the last page. */
export const messagePage = z
  .object({ messages: z.array(message), count, next_cursor: z.string().nullable() })
  .meta({ id: 'MessagePage' })

const cursor = z.string().optional()
const limit = (most: number, usual: number) =>
  z.coerce.number().int().min(1).max(most).default(usual)

export const conversationsQuery = z.object({ limit: limit(50, conversationsPerPage), cursor })
export const messagesQuery = z.object({ limit: limit(100, messagesPerPage), cursor })

// What a socket may send. A context that makes no sense is ignored, so its shape is not checked here.
const context = { _trace: z.unknown().optional() }

export const sendEvent = z.strictObject({ ...sending, ...context }).refine(isAimed, notAimed)
export const typingEvent = z
  .strictObject({ ...target, typing: z.boolean(), ...context })
  .refine(isAimed, notAimed)
export const readEvent = z.strictObject({
  conversation_id: givenId,
  message_id: givenId,
  ...context,
})
export const presenceEvent = z.strictObject({
  user_ids: z.array(givenId).min(1).max(100),
  ...context,
})
/**
 * `seen` are the ids of what came in the seconds before `since` did, in any order. `after` is the
 * last message of the portion before, of an answer that has more than one.
 */
export const syncEvent = z.strictObject({
  since: givenId,
  seen: z.array(givenId).max(256).optional(),
  after: givenId.optional(),
  ...context,
})

export type NewMessage = z.infer<typeof newMessage>
export type NewConversation = z.infer<typeof newConversation>
