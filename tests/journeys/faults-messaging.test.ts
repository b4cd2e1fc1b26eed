import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Answer } from '../answer.ts'
import { expectAway } from '../away.ts'
import { journey } from '../journey.ts'
import { note } from '../notes.ts'
import { kill, without } from '../parts.ts'
import { openPatientPhone } from '../patient-phone.ts'
import { type Person, resident } from '../person.ts'
import { createPhone } from '../phone.ts'
import { twoPhones } from '../two-phones.ts'

// What still works of messaging while a part is away, in the order of the table in ARCHITECTURE.md.

const patient = { timeout: 30_000, interval: 100 }

it('an instance killed with a thousand messages under way: each that was acknowledged is there, once', async () => {
  await using stack = new AsyncDisposableStack()
  const people = await Promise.all(Array.from({ length: 20 }, resident))
  const members = people.slice(1).map(({ id }) => id)
  const group = (await people[0]!.post('/api/messages/conversations', { members })).body.id
  // Everybody talks to one at the other instance, and to all.
  const talkers = await Promise.all(
    people.map(async (person, at) => {
      const partner = people[at ^ 1]!
      const direct: string = (await person.message(partner)).body.conversation_id
      const instance = at % 2 === 0 ? 1 : 2
      const phone = stack.use(await openPatientPhone(person, { instance, traced: false }))
      return { person, partner, direct, phone, instance }
    }),
  )
  const bursts = 5
  // Twenty a second are the limit.
  const [inBurst, burstMs] = [10, 600]
  const talk = async ({ phone, direct }: (typeof talkers)[number], who: number) => {
    for (let burst = 0; burst < bursts; burst++) {
      const saying = Array.from({ length: inBurst }, (_, at) =>
        phone.tell(at === 0 ? group : direct, `Words ${burst} ${at}`, `${who}-${burst}-${at}`),
      )
      await Promise.all([...saying, sleep(burstMs)])
    }
  }
  const talking = Promise.all(talkers.map(talk))
  // The third burst has just begun.
  await sleep(burstMs * 2 + 30)
  const fromMs = Date.now()
  await kill('messaging-1')
  note({ cut: 'messaging-1', fromMs, toMs: Date.now() })
  await talking

  // Else nothing was under way, and this says nothing.
  expect(talkers.reduce((sum, { phone }) => sum + phone.repeats, 0)).toBeGreaterThan(0)
  const inGroup = await readHistory(people[0]!, group)
  expect(inGroup).toHaveLength(people.length * bursts)
  for (const { person, partner, direct, phone, instance } of talkers) {
    expect(phone.acknowledged.size).toBe(bursts * inBurst)
    expect(phone.reconnects).toBe(instance === 1 ? 1 : 0)
    const stored = await readHistory(person, direct)
    // The two greetings were said before there were phones.
    expect(stored).toHaveLength(2 * bursts * (inBurst - 1) + 2)
    expect(stored).toEqual(await readHistory(partner, direct))
    const own = new Set(phone.acknowledged.values())
    const all = new Set([...inGroup, ...stored])
    expect([...own].filter((id) => !all.has(id))).toEqual([])
    const due = [...inGroup, ...stored.slice(2)].filter((id) => !own.has(id))
    await expect.poll(() => due.filter((id) => !phone.heard.has(id)), patient).toEqual([])
  }
  // Whoever would bring them a second time has done so by now.
  await sleep(500)
  expect(talkers.flatMap(({ phone }) => phone.twice)).toEqual([])
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
