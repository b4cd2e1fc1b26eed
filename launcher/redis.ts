/** What the gateway reads while a service is away; and who has logged out, of auth's stream. */
const gatewayReads = [
  'profile:profile:*',
  ...['timeline', 'celebrities', 'author', 'post', 'counts'].map((kind) => `feed:${kind}:*`),
  'events:auth',
]
  .map((keys) => `%R~${keys}`)
  .join(' ')

/**
 * Redis' configuration. Every service has a user that may touch its own keys, append to its own
 * event stream, and read all streams. `gateway` may read the pages that services keep, and no more.
 * `clew` may do everything and is for the launcher and tests.
 */
export function redisConf(options: {
  port: number
  folder: string
  /** The services, with their passwords. */
  services: Record<string, string>
  gatewayPassword: string
  password: string
}): string {
  const users = Object.entries(options.services).map(userLine)
  return `bind 127.0.0.1
port ${options.port}
dir "${options.folder}"
# Tests take one each, to begin with an empty one.
databases 256
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
# Event streams have no lifetime and are never evicted; cached answers are.
maxmemory-policy volatile-lru
user default off
user clew on >${options.password} ~* &* +@all
user gateway on >${options.gatewayPassword} ${gatewayReads} resetchannels -@all +get +mget +lrange +xread +ping
${users.join('\n')}
`
}

function userLine([service, password]: [string, string]): string {
  const own = `~${service}:* ~events:${service} &${service}:* &events:${service} +@all -@admin -@dangerous`
  // A consumer group is written to, but nobody appends to a stream that is not theirs.
  const streams =
    '(~events:* +xreadgroup +xread +xrange +xrevrange +xack +xautoclaim +xclaim +xpending +xgroup +xinfo +xlen)'
  const channels = '(&events:* +subscribe +psubscribe +unsubscribe +punsubscribe)'
  return `user ${service} on >${password} ${own} ${streams} ${channels}`
}
