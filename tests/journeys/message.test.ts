import { randomBytes, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openAdmin } from '../handled.ts'
import { journey } from '../journey.ts'
import { resident } from '../person.ts'
import { readPlatform } from '../platform.ts'
import { twoPhones } from '../two-phones.ts'

// What is written for a message between people who know each other.
const stored = `
          messaging CLIENT EVAL limit
          messaging CLIENT BEGIN
          messaging CLIENT UPDATE conversations
          messaging CLIENT INSERT messages
          messaging PRODUCER publish events:messaging  clew.event.type=message.sent
            messaging CLIENT INSERT outbox
          messaging CLIENT COMMIT`

const spread = `
          messaging PRODUCER publish messaging:live
            messaging CLIENT PUBLISH live`

describe('a message', () => {
  it('to a phone at the other instance is one story, from phone to phone', async () => {
    await using two = await twoPhones(1, 2)
    const { answer, trace } = await journey('a message across instances', () =>
      two.ones.send(two.conversation, 'Are the otters up?', 'first-try'),
    )
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      conversation_id: two.conversation,
      created_at: expect.stringMatching(/Z$/),
    })
    const heard = await two.others.heard('message:new')
    expect(heard.payload).toEqual({
      ...answer.body,
      sender_id: two.one.id,
      body: 'Are the otters up?',
      client_id: 'first-try',
    })
    expect(heard.traceId).toBe(trace.id)
    await trace.toBe(`
      phone CLIENT message:send  clew.synthetic=true
        messaging SERVER message:send  messaging.system=socket.io messaging.destination.name=message:send user.id=${two.one.id} clew.synthetic=true${stored}${spread}
            messaging CONSUMER process messaging:live  clew.synthetic=true
              messaging PRODUCER publish message:new  messaging.batch.message_count=1
                phone CONSUMER process message:new  user.id=${two.other.id} clew.synthetic=true
    `)
  })

  it('to a phone at the same instance is delivered by it', async () => {
    await using two = await twoPhones(2, 2)
    const { answer, trace } = await journey('a message within an instance', () =>
      two.ones.send(two.conversation),
    )
    expect(answer.status).toBe(200)
    await two.others.heard('message:new')
    await trace.toBe(`
      phone CLIENT message:send
        messaging SERVER message:send${stored}
          messaging PRODUCER publish message:new  messaging.batch.message_count=1
            phone CONSUMER process message:new  user.id=${two.other.id}${spread}
    `)
  })

  it('that is the first between two begins their conversation', async () => {
    const [one, other] = [await resident(), await resident()]
    await using phone = await one.phone({ instance: 1 })
    const { answer, trace } = await journey('a first message', () => phone.send(other))
    expect(answer.status).toBe(200)
    await trace.toBe(`
      phone CLIENT message:send
        messaging SERVER message:send
          messaging CLIENT EVAL limit
          messaging CLIENT BEGIN
          messaging CLIENT SELECT conversations  db.response.returned_rows=0
          messaging CLIENT COMMIT
          messaging CLIENT POST /internal/users/known
            profile SERVER POST /internal/users/known
              profile CLIENT SELECT profiles
          messaging CLIENT BEGIN
          messaging CLIENT INSERT conversations
          messaging CLIENT INSERT members
          messaging CLIENT UPDATE conversations
          messaging CLIENT INSERT messages
          messaging PRODUCER publish events:messaging
            messaging CLIENT INSERT outbox
          messaging CLIENT COMMIT
          messaging PRODUCER publish messaging:live
            messaging CLIENT PUBLISH live
    `)
  })

  it('over HTTP is delivered as it is', async () => {
    await using two = await twoPhones(1, 2)
    const { answer, trace } = await journey('a message over HTTP', () =>
      two.one.message(two.other, 'Sent without a phone'),
    )
    expect(answer.status).toBe(201)
    const heard = await two.others.heard('message:new')
    expect(heard.payload).toEqual(answer.body)
    // The sender's own phone shows it, too.
    await two.ones.heard('message:new')
    const spans = await trace.spans()
    const names = spans.map(({ service, kind, name }) => `${service} ${kind} ${name}`)
    expect(names.slice(0, 2)).toEqual([
      'gateway SERVER POST /api/messages',
      'messaging SERVER POST /api/messages',
    ])
    expect(names.filter((name) => name === 'phone CONSUMER process message:new')).toHaveLength(2)
  })

  it('that is said again is stored once, and arrives once', async () => {
    await using two = await twoPhones(1, 2)
    const first = await two.ones.send(two.other, 'Once only', 'again')
    const { answer, trace } = await journey('the same message', () =>
      two.ones.send(two.other, 'Once only', 'again'),
    )
    expect(answer.body).toEqual(first.body)
    await two.ones.send(two.other, 'The next one')
    await two.others.heard('message:new', ({ body }) => body === 'The next one')
    expect(two.others.all('message:new').map(({ body }) => body)).toEqual([
      'Once only',
      'The next one',
    ])
    const names = (await trace.spans()).map(({ name }) => name)
    expect(names).not.toContain('publish events:messaging')
    expect(names).not.toContain('process message:new')
    const { messages } = (await two.other.history(two.conversation)).body
    expect(messages).toHaveLength(3)
  })

  it('to somebody who is away waits in history, and is read', async () => {
    const [one, other] = [await resident(), await resident()]
    await using phone = await one.phone({ instance: 1 })
    const said: string[] = []
    for (const words of ['First', 'Second', 'Third']) {
      said.push((await phone.send(other, words)).body.id)
    }
    const list = await journey('the conversations', () => other.conversations())
    expect(list.answer.body.conversations).toMatchObject([
      { kind: 'direct', unread_count: 3, last_message: { id: said[2], body: 'Third' } },
    ])
    const { id } = list.answer.body.conversations[0]
    const history = await journey('the history', () => other.history(id, 'limit=2'))
    const page = history.answer.body
    expect(page.messages.map(({ body }: { body: string }) => body)).toEqual(['Third', 'Second'])
    const rest = await other.history(id, `cursor=${page.next_cursor}`)
    expect(rest.body).toMatchObject({ messages: [{ id: said[0] }], count: 1, next_cursor: null })

    const read = await journey('the second is read', () =>
      other.post(`/api/messages/${id}/read`, { message_id: said[1] }),
    )
    expect([read.answer.status, read.answer.body]).toEqual([200, { unread_count: 1 }])
    expect((await phone.heard('read')).payload).toEqual({
      conversation_id: id,
      user_id: other.id,
      message_id: said[1],
    })
    // What was read stays read.
    const back = await other.post(`/api/messages/${id}/read`, { message_id: said[0] })
    expect(back.body).toEqual({ unread_count: 1 })
    expect((await other.conversations()).body.conversations[0].unread_count).toBe(1)
    // One's own messages need no reading.
    expect((await one.conversations()).body.conversations[0].unread_count).toBe(0)
  })

  it('is in no span, no event and no log', async () => {
    const word = `heron${randomBytes(6).toString('hex')}`
    await using two = await twoPhones()
    const said = await journey('a message about a heron', () =>
      two.ones.send(two.other, `A ${word}`),
    )
    const posted = await journey('one over HTTP', () => two.one.message(two.other, `My ${word}`))
    const refused = await journey('one that is refused', () =>
      two.ones.say('message:send', { to: two.other.id, body: word.repeat(300), client_id: 'x' }),
    )
    expect(refused.answer.status).toBe(422)
    await two.others.heard('message:new', ({ body }) => body === `My ${word}`)
    for (const { trace } of [said, posted, refused]) {
      const spans = await trace.spans()
      expect(spans.length).toBeGreaterThan(1)
      // Times are big integers, which JSON does not know.
      const text = JSON.stringify(spans, (_, value) =>
        typeof value === 'bigint' ? undefined : value,
      )
      expect(text).not.toContain(word)
    }
    const redis = await openAdmin()
    const events = JSON.stringify(
      await redis.xRevRange('events:messaging', '+', '-', { COUNT: 200 }),
    )
    redis.destroy()
    expect([events.includes(said.answer.body.id), events.includes(word)]).toEqual([true, false])
    const logs = join(readPlatform().state, 'logs')
    for (const name of await readdir(logs)) {
      const log = await readFile(join(logs, name), 'utf8')
      expect([name, log.includes(word)]).toEqual([name, false])
    }
  })
})

describe('a group of fifty', () => {
  it('hears everything, everyone once, whatever instance they are at', async () => {
    const people = []
    for (let at = 0; at < 50; at += 10) {
      people.push(...(await Promise.all(Array.from({ length: 10 }, resident))))
    }
    const [maker, ...others] = people
    const made = await maker!.post('/api/messages/conversations', {
      members: others.map(({ id }) => id),
      title: 'Otter watch',
    })
    expect(made.body).toMatchObject({ kind: 'group', title: 'Otter watch', member_count: 50 })
    await using stack = new AsyncDisposableStack()
    const instanceOf = (at: number) => (at % 2 === 0 ? 1 : 2)
    const phones = await Promise.all(
      people.map((person, at) => person.phone({ instance: instanceOf(at) })),
    )
    for (const phone of phones) stack.use(phone)

    const { answer, trace } = await journey('a message to a group', () =>
      phones[0]!.send(made.body.id, 'Everyone?'),
    )
    const { id } = answer.body
    await phones[1]!.send(made.body.id, 'Here!')
    const receivers = [phones.slice(1), [phones[0]!, ...phones.slice(2)]]
    for (const [at, words] of ['Everyone?', 'Here!'].entries()) {
      for (const phone of receivers[at]!) {
        await phone.heard('message:new', ({ body }) => body === words)
      }
    }
    const heard = phones.map((phone) =>
      phone.all('message:new').filter((message) => message.id === id),
    )
    expect(heard.map(({ length }) => length)).toEqual([0, ...others.map(() => 1)])

    const spans = await trace.spans()
    const count = (label: string) =>
      spans.filter(({ service, kind, name }) => `${service} ${kind} ${name}` === label).length
    expect({
      statements: spans.filter((span) => span.attributes['db.system.name']?.value === 'postgresql')
        .length,
      emissions: count('messaging PRODUCER publish message:new'),
      spreads: count('messaging PRODUCER publish messaging:live'),
      otherInstances: count('messaging CONSUMER process messaging:live'),
      phones: count('phone CONSUMER process message:new'),
      all: spans.length,
    }).toEqual({
      statements: 5,
      emissions: 2,
      spreads: 1,
      otherInstances: 1,
      phones: 49,
      all: 63,
    })
    const sizes = spans.flatMap((span) =>
      span.name === 'publish message:new'
        ? Number(span.attributes['messaging.batch.message_count']?.value)
        : [],
    )
    expect(sizes).toEqual([24, 25])
  })
})

describe('a phone that was away', () => {
  it('asks for what it missed, and gets it in order and once', async () => {
    await using two = await twoPhones(1, 2)
    await two.ones.send(two.other, 'Before')
    const { payload: last } = await two.others.heard('message:new')
    two.others.cut()
    const missed = Array.from({ length: 12 }, (_, at) => `Missed ${at}`)
    for (const words of missed) await two.ones.send(two.other, words)
    const connected = await two.others.connect()
    expect(connected.status).toBe(200)
    await two.ones.send(two.other, 'After')
    await two.others.heard('message:new', ({ body }) => body === 'After')
    const { answer, trace } = await journey('what was missed', () =>
      two.others.say('sync', { since: last.id }),
    )
    expect(answer.body.more).toBe(false)
    expect(answer.body.messages.map(({ body }: { body: string }) => body)).toEqual(missed)
    await trace.toBe(`
      phone CLIENT sync
        messaging SERVER sync  user.id=${two.other.id}
          messaging CLIENT BEGIN
          messaging CLIENT SELECT messages
          messaging CLIENT SELECT members
          messaging CLIENT COMMIT
    `)
    const unknown = await two.others.say('sync', { since: randomUUID() })
    expect(unknown.status).toBe(422)
  })
})
