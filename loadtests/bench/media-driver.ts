import { Pool } from 'undici'
import { serveDriver } from './driver.ts'
import { type Asking, toRequest } from './feed-load.ts'
import { keepPace, planArrivals } from './pace.ts'

export type Uploads = {
  origin: string
  method: 'POST' | 'PUT'
  path: string
  /** One upload each, in turn; without tokens give as many empty ones. */
  tokens: string[]
  atOnce: number
}
/** Milliseconds until the answer of each upload, and the media ids that were answered. */
export type Uploaded = { times: number[]; ids: string[] }
export type Askings = {
  origin: string
  /** In turn. */
  askings: Asking[]
  amount: number
  perSecond: number
  seed: string
}
/** Milliseconds, from when each request was due until its answer was whole. */
export type Answered = { times: Float64Array; late: Float64Array }

let file = Buffer.alloc(0)

serveDriver({ load, upload, ask })

/** What is uploaded from now on. */
async function load({ bytes }: { bytes: Uint8Array }): Promise<void> {
  file = Buffer.from(bytes)
}

async function upload({ origin, method, path, tokens, atOnce }: Uploads): Promise<Uploaded> {
  const pool = new Pool(origin, { connections: atOnce })
  const rest = tokens.values()
  const uploaded: Uploaded = { times: [], ids: [] }
  const work = async () => {
    for (const token of rest) {
      const headers = {
        'content-type': 'image/jpeg',
        ...(token && { authorization: `Bearer ${token}` }),
      }
      const began = performance.now()
      const { statusCode, body } = await pool.request({ method, path, headers, body: file })
      const text = await body.text()
      uploaded.times.push(performance.now() - began)
      if (statusCode !== 201)
        throw new Error(`an upload answered ${statusCode} ${text}: the run is void`)
      uploaded.ids.push(/"id":"([^"]+)"/.exec(text)?.[1] ?? '')
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work)).finally(() => pool.destroy())
  return uploaded
}

async function ask({ origin, askings, amount, perSecond, seed }: Askings): Promise<Answered> {
  const pool = new Pool(origin, { connections: 64 })
  const times = new Float64Array(amount)
  const answers: Promise<void>[] = []
  const begin = async (place: number, due: number) => {
    const asking = askings[place % askings.length] as Asking
    const { statusCode, body } = await pool.request(toRequest(asking))
    await body.dump()
    times[place] = performance.now() - due
    if (statusCode === 200) return
    throw new Error(`${asking.method} ${asking.path} answered ${statusCode}: the run is void`)
  }
  const late = await keepPace(planArrivals(amount, perSecond, seed), (place, due) => {
    answers.push(begin(place, due))
  })
  await Promise.all(answers).finally(() => pool.destroy())
  return { times, late }
}
