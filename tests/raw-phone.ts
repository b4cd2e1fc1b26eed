import { once } from 'node:events'
import { WebSocket } from 'undici'
import { readPlatform } from './platform.ts'

/** A connected phone that sends whatever frame it is given; through the gateway. */
export async function openRawPhone({ token }: { token: string }) {
  const url = new URL('/socket.io/?EIO=4&transport=websocket', readPlatform().urls.gateway)
  const line = new WebSocket(url.href.replace('http', 'ws'))
  const closed = once(line, 'close').then(([{ code }]) => code as number)
  const said = async () => String((await once(line, 'message'))[0].data)
  const hello = said()
  await once(line, 'open')
  if (!(await hello).startsWith('0{')) throw new Error('this is not Engine.IO')
  line.send(`40${JSON.stringify({ token })}`)
  const welcome = await said()
  if (!welcome.startsWith('40')) throw new Error(`refused: ${welcome}`)
  return {
    /** Resolves with the code of WebSocket when the other side has closed. */
    closed,
    send: (frame: string | Buffer) => line.send(frame),
  }
}
