import { describe, expect, it } from 'vitest'
import { journey } from '../journey.ts'
import { newcomer, resident } from '../person.ts'
import { createPhone } from '../phone.ts'
import { twoPhones } from '../two-phones.ts'

describe('a phone connects', () => {
  it('after auth was asked whose token it is', async () => {
    const person = await resident()
    await using phone = createPhone(person, { instance: 1 })
    const { answer, trace } = await journey('a phone connects', () => phone.connect())
    expect(answer.status).toBe(200)
    await trace.toBe(`
      phone CLIENT connect
        messaging SERVER connect  user.id=${person.id} messaging.system=socket.io
          messaging CLIENT POST /api/validate/token
            auth SERVER POST /api/validate/token
              auth CLIENT GET session  cache.hit=true
          messaging CLIENT EVAL presence
          messaging PRODUCER publish messaging:live
            messaging CLIENT PUBLISH live
    `)
  })

  it('through the gateway without a span of it, by WebSocket or polling', async () => {
    const [person, other] = [await resident(), await resident()]
    await using receiver = await other.phone({ transport: 'polling' })
    await using phone = createPhone(person)
    const { answer, trace } = await journey('a phone at the gateway', () => phone.connect())
    expect(answer.status).toBe(200)
    const services = new Set((await trace.spans()).map(({ service }) => service))
    expect(services).toEqual(new Set(['phone', 'messaging', 'auth']))
    await phone.send(other, 'Hello, old phone')
    expect((await receiver.heard('message:new')).payload.body).toBe('Hello, old phone')
    await receiver.send(person, 'Hello, new phone')
    expect((await phone.heard('message:new')).payload.body).toBe('Hello, new phone')
  })

  it('not without a token, nor with one that is broken or was revoked', async () => {
    const nobody = createPhone(newcomer())
    const { answer, trace } = await journey('a phone of nobody', () => nobody.connect())
    expect(answer).toMatchObject({ status: 401, body: { status: 401, title: 'Unauthorized' } })
    await trace.toBe(`
      phone CLIENT connect
        messaging SERVER connect  !error.type
    `)
    const broken = createPhone({ ...newcomer(), token: 'x.y.z' })
    expect((await broken.connect()).status).toBe(401)
    const gone = await resident()
    await gone.post('/api/auth/logout')
    expect((await createPhone(gone).connect()).status).toBe(401)
  })

  it('no more once its session is revoked: it is told so, and put off', async () => {
    const person = await resident()
    await using phone = await person.phone()
    await person.post('/api/auth/logout')
    expect((await phone.heard('closing')).payload).toMatchObject({ reason: 'revoked' })
    await expect.poll(() => phone.socket.connected).toBe(false)
  })

  it('with baggage: what is allowed is on every span, and nothing else', async () => {
    await using two = await twoPhones(1, 2)
    const span = '00f067aa0ba902b7'
    const _trace = {
      traceparent: `00-${'4bf92f3577b34da6a3ce929d0e0e'}${Date.now().toString(16).slice(-4)}-${span}-00`,
      baggage: 'user.email=someone%40mail.example',
    }
    const ack = await two.ones.socket.emitWithAck('typing', {
      conversation_id: two.conversation,
      typing: true,
      _trace,
    })
    expect(ack?.error).toBeUndefined()
    expect((await two.others.heard('typing')).traceId).toBe(_trace.traceparent.slice(3, 35))
  })
})

describe('live events', () => {
  it('typing reaches a phone at the other instance', async () => {
    await using two = await twoPhones(1, 2)
    const { answer, trace } = await journey('typing', () =>
      two.ones.say('typing', { conversation_id: two.conversation, typing: true }),
    )
    expect(answer.status).toBe(200)
    expect((await two.others.heard('typing')).payload).toEqual({
      conversation_id: two.conversation,
      user_id: two.one.id,
      typing: true,
    })
    await trace.toBe(`
      phone CLIENT typing
        messaging SERVER typing  user.id=${two.one.id}
          messaging CLIENT BEGIN
          messaging CLIENT SELECT conversations
          messaging CLIENT COMMIT
          messaging PRODUCER publish messaging:live
            messaging CLIENT PUBLISH live
            messaging CONSUMER process messaging:live
              messaging PRODUCER publish typing
                phone CONSUMER process typing
    `)
  })

  it('a message that is read is shown to its sender', async () => {
    await using two = await twoPhones(1, 2)
    const { id } = (await two.ones.send(two.other)).body
    const { answer, trace } = await journey('a read receipt', () =>
      two.others.say('read', { conversation_id: two.conversation, message_id: id }),
    )
    expect(answer.status).toBe(200)
    expect((await two.ones.heard('read')).payload).toEqual({
      conversation_id: two.conversation,
      user_id: two.other.id,
      message_id: id,
    })
    const names = (await trace.spans()).map(({ service, name }) => `${service} ${name}`)
    expect(names.slice(0, 2)).toEqual(['phone read', 'messaging read'])
    expect(names.at(-1)).toBe('phone process read')
  })

  it('whoever is watched is seen to come and go, over all their phones', async () => {
    await using two = await twoPhones(1, 2)
    const stranger = await resident()
    const asked = await journey('who is there', () =>
      two.ones.say('presence', { user_ids: [two.other.id, stranger.id] }),
    )
    expect(asked.answer.body.people).toEqual([
      { user_id: two.other.id, online: true, last_seen: expect.anything() },
    ])
    const second = await two.other.phone({ instance: 1 })
    await second[Symbol.asyncDispose]()
    two.others.socket.disconnect()
    const left = await two.ones.heard('presence', ({ online }) => !online)
    expect(left.payload).toEqual({
      user_id: two.other.id,
      online: false,
      last_seen: expect.stringMatching(/Z$/),
    })
    expect((await two.others.connect()).status).toBe(200)
    await two.ones.heard('presence', ({ online }) => online)
    // While one phone was left nothing was said.
    expect(two.ones.all('presence').map(({ online }) => online)).toEqual([false, true])
  })
})
