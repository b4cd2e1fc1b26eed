import { createServer } from 'node:http'
import { createClient, RESP_TYPES } from 'redis'

/**
 * The control: the same three reads of Redis for the newest page of a timeline, joined to the same
 * JSON, by Node's own HTTP server and nothing else. It asks for no token, checks nothing, knows only
 * timelines that are cached whole, and no shares.
 * Run as `node feed-control-server.ts <port> <address of Redis>`; asked as `GET /<user id>`.
 */
const [port = '', redisUrl = ''] = process.argv.slice(2)
const client = createClient({ url: redisUrl, commandOptions: { timeout: 0 } })
await client.connect()
const raw = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })

const limit = 20

createServer(async ({ url = '/' }, response) => {
  const user = url.slice(1)
  const entries = await raw.lRange(`feed:timeline:${user}`, 0, limit)
  const ids = entries.slice(0, limit).map((entry) => toText(entry as unknown as Buffer))
  const values = await client.mGet([
    ...ids.map((id) => `feed:post:${id}`),
    ...ids.map((id) => `feed:counts:${id}`),
  ])
  const [floor = '', ...likes] = await client.hmGet(`feed:liked:${user}`, ['floor', ...ids])
  const posts = ids.map((id, place) => {
    const [likeCount, commentCount] = (values[ids.length + place] ?? '').split(',')
    const liked = (floor ?? '') <= id && likes[place]?.startsWith('1') === true
    return `${values[place]},"like_count":${likeCount},"comment_count":${commentCount},"liked":${liked}}`
  })
  const next = entries.length > limit ? `"${ids.at(-1)}"` : 'null'
  const body = `{"posts":[${posts.join(',')}],"count":${ids.length},"next_cursor":${next}}`
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-cache': 'hit',
  })
  response.end(body)
}).listen(Number(port), '127.0.0.1')

function toText(entry: Buffer): string {
  const hex = entry.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
