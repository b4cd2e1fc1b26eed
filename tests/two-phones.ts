import { type Person, resident } from './person.ts'
import type { Phone, PhoneOptions } from './phone.ts'

export type TwoPhones = AsyncDisposable & {
  one: Person
  other: Person
  ones: Phone
  others: Phone
  /** The id of the conversation that they have already. */
  conversation: string
}

/** Two people who know each other, with a phone each, connected to these instances. */
export async function twoPhones(
  one: PhoneOptions['instance'] = 1,
  other: PhoneOptions['instance'] = 2,
): Promise<TwoPhones> {
  const [first, second] = await Promise.all([resident(), resident()])
  const { status, body } = await first.message(second)
  if (status !== 201) throw new Error(`not said: ${status} ${JSON.stringify(body)}`)
  await using phones = new AsyncDisposableStack()
  const ones = phones.use(await first.phone(one && { instance: one }))
  const others = phones.use(await second.phone(other && { instance: other }))
  const kept = phones.move()
  return {
    one: first,
    other: second,
    ones,
    others,
    conversation: body.conversation_id,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
