/**
 * The newest id that any timeline may hold, with how it came there: who brings a newer one to
 * thousands need not look at each list whether it belongs on top. How it came:
 *
 * | It is | The id may be in the timelines of |
 * |---|---|
 * | OWN | its author |
 * | the token of a fan-out | its author, and those whom that fan-out has reached |
 * | ANY | anybody |
 *
 * What a push finds there, and leaves there (T and U are tokens of two fan-outs):
 *
 * | There is | OWN comes | T comes |
 * |---|---|---|
 * | an older id | OWN, looks | T, looks at its author's list alone |
 * | the same id, OWN | OWN, looks | T, looks at its author's list alone |
 * | the same id, T | T, looks | T, looks at no list |
 * | the same id, U: who began that fan-out died, or goes on beside this one | U, looks | ANY, looks at all |
 * | the same id, ANY: somebody has built a list with it in | ANY, looks | ANY, looks at all |
 * | a newer id | no change, looks | no change, looks at all |
 * | nothing | ANY, with an id of just ahead of now: looks | the same, looks at all |
 *
 * It has a life, so that an id from the future, which all others are older than, does not have
 * everybody look for ever. It is far longer than that of lists: once it is over, no list holds an
 * id from the future, unless it was filled in, which puts it here again.
 */
export const aheadKey = 'feed:ahead'
export const own = 'own'
export const any = 'any'

const lifeMs = 7_200_000
// Clocks differ a little, of Redis and of those who make ids.
const aheadMs = 5_000

/** Lua: what is there, made when there is nothing, and writing it. Call it with the key. */
export const ahead = `
local function writeAhead(key, id, how)
  redis.call('SET', key, id .. how, 'PX', ${lifeMs})
end

-- Gives the id, and how it came.
local function readAhead(key)
  local found = redis.call('GET', key)
  if found then return string.sub(found, 1, 16), string.sub(found, 17) end
  local now = redis.call('TIME')
  local ms = now[1] * 1000 + math.floor(now[2] / 1000)
  local id = struct.pack('>I6', ms + ${aheadMs}) .. string.rep('\\255', 10)
  writeAhead(key, id, '${any}')
  return id, '${any}'
end
`
