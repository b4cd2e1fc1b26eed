import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Answer } from '../answer.ts'
import { expectAway } from '../away.ts'
import { journey } from '../journey.ts'
import { note } from '../notes.ts'
import { kill, without } from '../parts.ts'
import { openPatientPhone, type PatientPhone } from '../patient-phone.ts'
import { type Person, resident } from '../person.ts'
import { createPhone } from '../phone.ts'
import { twoPhones } from '../two-phones.ts'

// What still works of messaging while a part is away, in the order of the table in ARCHITECTURE.md.

const patient = { timeout: 30_000, interval: 100 }

it('an instance killed in mid-conversation: what was acknowledged is there, once', async () => {
  const pairs = 10
  const each = 50
  const people = await Promise.all(Array.from({ length: pairs * 2 }, resident))
  await using stack = new AsyncDisposableStack()
  const open = (person: Person, instance: 1 | 2) =>
    openPatientPhone(person, { instance, traced: false })
  // Each pair talks across the instances, and half of all people are at the one that dies.
  const talks = await Promise.all(
    Array.from({ length: pairs }, async (_, at) => {
      const [one, other] = [people[at * 2]!, people[at * 2 + 1]!]
      const conversation = (await one.message(other)).body.conversation_id as string
      const ones = stack.use(await open(one, 1))
      const others = stack.use(await open(other, 2))
      return { one, other, ones, others, conversation }
    }),
  )
  const tellAll = async (phone: PatientPhone, conversation: string, name: string) => {
    for (let at = 0; at < each; at++) {
      await phone.tell(conversation, `Words ${at} of ${name}`, `${name}-${at}`)
      // Below the limit of twenty a second.
      await sleep(60)
    }
  }
  const told = Promise.all(
    talks.flatMap(({ ones, others, conversation }, at) => [
      tellAll(ones, conversation, `one-${at}`),
      tellAll(others, conversation, `other-${at}`),
    ]),
  )
  await sleep(1_500)
  const fromMs = Date.now()
  await kill('messaging-1')
  note({ cut: 'messaging-1', fromMs, toMs: Date.now() })
  await told

  for (const { one, other, ones, others, conversation } of talks) {
    expect([ones.acknowledged.size, others.acknowledged.size]).toEqual([each, each])
    expect([ones.reconnects, others.reconnects]).toEqual([1, 0])
    for (const [sender, receiver] of [
      [ones, others],
      [others, ones],
    ] as const) {
      const said = [...sender.acknowledged.values()].sort()
      await expect.poll(() => said.filter((id) => !receiver.heard.has(id)), patient).toEqual([])
    }
    const stored = await readHistory(one, conversation)
    expect(stored).toEqual(await readHistory(other, conversation))
    // The first one was said before there were phones.
    const all = [...ones.acknowledged.values(), ...others.acknowledged.values()].sort()
    expect([...stored].sort().slice(1)).toEqual(all)
  }
  // Late ones would come now.
  await sleep(500)
  for (const { ones, others } of talks) {
    for (const phone of [ones, others]) {
      expect([...phone.heard].filter(([, times]) => times !== 1)).toEqual([])
    }
  }
})

it('Redis away: messages are stored and found, and delivered when it is back, once', async () => {
  await using two = await twoPhones(1, 2)
  await using near = await two.other.phone({ instance: 1 })
  const words = ['While it is away', 'And another one']
  await without('redis', async () => {
    for (const text of words) {
      const { answer } = await journey('a message without Redis', () =>
        two.ones.send(two.conversation, text),
      )
      expect(answer.status).toBe(200)
    }
    expect((await two.one.message(two.other, 'Over HTTP')).status).toBe(201)
    const { messages } = (await two.other.history(two.conversation, 'limit=3')).body
    expect(messages.map(({ body }: { body: string }) => body)).toEqual([
      'Over HTTP',
      ...words.toReversed(),
    ])
    expect((await two.other.conversations()).body.conversations[0].unread_count).toBe(4)
    // At the same instance nobody needs Redis.
    await near.heard('message:new', ({ body }) => body === 'Over HTTP' || body === words[1])
    const asked = await two.ones.say('presence', { user_ids: [two.other.id] })
    expect(asked.status).toBe(503)
    const typing = { conversation_id: two.conversation, typing: true }
    expect((await two.ones.say('typing', typing)).status).toBe(200)
  })
  const all = [...words, 'Over HTTP'].sort()
  const bodies = (phone: typeof near) =>
    phone
      .all('message:new')
      .map(({ body }) => body)
      .sort()
  await expect.poll(() => bodies(two.others), patient).toEqual(all)
  await expect.poll(() => bodies(near), patient).toEqual(all)
  // Whoever would bring them a second time has done so by now.
  await sleep(1_000)
  expect([bodies(two.others), bodies(near)]).toEqual([all, all])
  await two.ones.send(two.other, 'As before')
  await two.others.heard('message:new', ({ body }) => body === 'As before')
})

it('auth away: phones go on, and new ones connect with what they hold', async () => {
  await using two = await twoPhones(1, 2)
  const late = await resident()
  await without('auth', async () => {
    expect((await two.ones.send(two.other, 'Without auth')).status).toBe(200)
    await two.others.heard('message:new')
    await using phone = createPhone(late, { instance: 2 })
    const { answer, trace } = await journey('a phone without auth', () => phone.connect())
    expect(answer.status).toBe(200)
    const spans = await trace.spans()
    expect(spans.some(({ name, status }) => name === 'connect' && status === 'error')).toBe(false)
    expect((await createPhone({ ...late, token: 'a.b.c' }).connect()).status).toBe(401)
  })
})

it('Postgres away: nothing is acknowledged, and what is said again is said once', async () => {
  await using two = await twoPhones(1, 2)
  await without('postgres', async () => {
    const { answer } = await journey('a message without Postgres', () =>
      two.ones.send(two.other, 'Once it is back', 'again'),
    )
    expect(answer.body).toMatchObject({ status: 503, trace_id: answer.traceId })
    expectAway(await two.one.message(two.other))
    expectAway(await two.other.history(two.conversation))
    expect(two.ones.socket.connected).toBe(true)
  })
  const sendAgain = () => two.ones.send(two.other, 'Once it is back', 'again')
  await expect.poll(async () => (await sendAgain()).status, patient).toBe(200)
  await two.others.heard('message:new')
  expect(two.others.all('message:new')).toHaveLength(1)
})

it('one instance away: new phones find the other', async () => {
  const [one, other] = [await resident(), await resident()]
  await using phone = await one.phone({ instance: 2 })
  await without('messaging-1', async () => {
    for (let at = 0; at < 4; at++) {
      await using late = await other.phone()
      expect((await late.send(one, `From the other side ${at}`)).status).toBe(200)
    }
    expect((await other.conversations()).status).toBe(200)
  })
  await expect.poll(() => phone.all('message:new').length).toBe(4)
})

/** Ids of all messages, oldest first. */
async function readHistory(person: Person, conversation: string): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body }: Answer = await person.history(
      conversation,
      `limit=100${cursor && `&cursor=${cursor}`}`,
    )
    ids.unshift(...body.messages.map(({ id }: { id: string }) => id).reverse())
    cursor = body.next_cursor
  }
  return ids
}
