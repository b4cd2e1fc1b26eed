import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { journey } from '../journey.ts'
import { resident } from '../person.ts'
import { createPhone } from '../phone.ts'
import { readPlatform } from '../platform.ts'
import { openRawPhone } from '../raw-phone.ts'
import { twoPhones } from '../two-phones.ts'

describe('messaging, through the gateway, takes no', () => {
  it('page of a stranger, who would come with a person’s cookies', async () => {
    const person = await resident()
    const strange = createPhone(person, { headers: { origin: 'https://elsewhere.example' } })
    const { answer } = await journey('a phone of a foreign page', () => strange.connect())
    expect(answer.status).not.toBe(200)
    const own = createPhone(person, { headers: { origin: readPlatform().urls.gateway } })
    expect((await own.connect()).status).toBe(200)
    await own[Symbol.asyncDispose]()
  })

  it('event of the wrong shape', async () => {
    await using two = await twoPhones(undefined, undefined)
    const to = two.other.id
    const wrong: [string, object, string][] = [
      ['message:send', { to, client_id: 'a' }, 'body'],
      ['message:send', { to, body: '', client_id: 'a' }, 'body'],
      ['message:send', { to, body: ' \n ', client_id: 'a' }, 'body'],
      ['message:send', { to, body: 'a\u0000b', client_id: 'a' }, 'body'],
      ['message:send', { to, body: 'é'.repeat(2_049), client_id: 'a' }, 'body'],
      ['message:send', { to, body: 'words', client_id: 'a b' }, 'client_id'],
      ['message:send', { to, body: ['words'], client_id: 'a' }, 'body'],
      ['typing', { to, typing: 'yes' }, 'typing'],
      ['read', { conversation_id: two.conversation, message_id: 7 }, 'message_id'],
      ['presence', { user_ids: Array.from({ length: 101 }, () => randomUUID()) }, 'user_ids'],
      ['sync', {}, 'since'],
    ]
    const refuse = async ([event, payload, field]: (typeof wrong)[number]) => {
      const { answer, trace } = await journey(event, () => two.ones.say(event, payload))
      expect([event, field, answer.status]).toEqual([event, field, 422])
      expect(answer.body).toMatchObject({ trace_id: trace.id, errors: [{ field }] })
      await trace.toBe(`
        phone CLIENT ${event}
          messaging SERVER ${event}  !error.type
      `)
    }
    await Promise.all(wrong.map(refuse))
    expect((await two.ones.send(two.other)).status).toBe(200)
  })

  it('event that there is not, and nothing that is no object', async () => {
    await using two = await twoPhones(undefined, undefined)
    expect((await two.ones.say('message:sing', { to: two.other.id })).status).toBe(404)
    const { socket } = two.ones
    for (const said of [[], ['words'], [7], [null], [{ to: 1 }, 2, 3]]) {
      const before = two.ones.all('problem').length
      socket.emit('message:send', ...said)
      await expect.poll(() => two.ones.all('problem').length).toBe(before + 1)
    }
    expect(two.ones.all('problem')[0]).toMatchObject({
      event: 'message:send',
      error: { status: 422, trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) },
    })
    expect(socket.connected).toBe(true)
  })

  it('acknowledgement as granted: who does not ask for one gets none', async () => {
    await using two = await twoPhones(undefined, undefined)
    const said = { to: two.other.id, body: 'No answer, please', client_id: 'silent' }
    two.ones.socket.emit('message:send', said)
    const { payload } = await two.others.heard('message:new')
    expect(payload.body).toBe(said.body)
    expect(two.ones.all('problem')).toEqual([])
  })

  it('broken context: the event begins a trace of its own', async () => {
    await using two = await twoPhones(undefined, undefined)
    for (const _trace of [7, 'x', [], { traceparent: 'rubbish', baggage: 7 }, null]) {
      const said = { conversation_id: two.conversation, typing: true, _trace }
      const ack = await two.ones.socket.timeout(5_000).emitWithAck('typing', said)
      expect(ack?.error).toBeUndefined()
    }
    await expect.poll(() => two.others.all('typing').length).toBe(5)
    expect(new Set(two.others.received.map(({ traceId }) => traceId)).size).toBe(5)
  })

  it('frame of 5 MB, nor a binary one: their phone is put off, and nobody else’s', async () => {
    await using two = await twoPhones(undefined, undefined)
    const text = JSON.stringify(['message:send', { body: 'x'.repeat(5_000_000) }])
    for (const frame of [`42${text}`, Buffer.alloc(64), '42["message:send",', '451-["x"]', '9']) {
      const raw = await openRawPhone(two.one)
      raw.send(frame)
      await raw.closed
    }
    expect((await two.ones.send(two.other, 'Still here')).status).toBe(200)
    await two.others.heard('message:new', ({ body }) => body === 'Still here')
  })

  it('more than twenty messages a second, nor an eleventh phone', async () => {
    await using two = await twoPhones(1, 2)
    const answers = await Promise.all(Array.from({ length: 30 }, () => two.ones.send(two.other)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0)
    // The one with which they met may count as well.
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(19)
    expect([200, 429]).toEqual(expect.arrayContaining([...new Set(statuses)]))
    await using stack = new AsyncDisposableStack()
    for (let at = 2; at <= 10; at++) stack.use(await two.one.phone({ instance: at % 2 ? 1 : 2 }))
    const eleventh = await createPhone(two.one, { instance: 2 }).connect()
    expect([eleventh.status, eleventh.body.status]).toEqual([429, 429])
  })
})
