import { defineScript } from '../script.ts'
import { common } from './format.ts'

/** Behind the celebrities of a list: there are more, whose posts nobody pushes into it. */
export const crowdedMark = '+'
/** Merging costs as much as all that is skipped: so deep it is left to Postgres. */
export const deepestMerge = 200

/** How much of its life a list has spent before a read renews it. */
const spentMs = 60_000
/** Lists are built anew so often, in seconds, however often they are read. */
const renewedFor = 1_800

/**
 * KEYS: the list, for a timeline also the reader's celebrities.
 * ARGV: id to start below or '', how many to skip, how many to give, life in ms.
 * Gives {found, ids, authors}. found: 0 no list, 1 more may follow, 2 these are certain.
 * authors: the celebrities whose own list is missing.
 */
export const readList = defineScript(`${common}
local key, celebritiesKey = KEYS[1], KEYS[2]
local below, skip, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local life = tonumber(ARGV[4])

-- Writing a lifetime is a write, to the file of Redis too: so only when a good part of it is over.
-- A list that lost something must not live for ever: each has a moment of its own, the same every
-- half hour, beyond which no read carries it.
local function renew(name, with)
  local left = redis.call('PTTL', name)
  if left > life - ${spentMs} then return end
  local now = redis.call('TIME')[1] + tonumber(string.sub(name, -6), 16)
  local longer = math.min(life, (${renewedFor} - now % ${renewedFor}) * 1000)
  if left > longer - 10000 then return end
  redis.call('PEXPIRE', name, longer)
  if with then redis.call('PEXPIRE', with, longer) end
end

-- Up to 'most' entries from where 'below' stands, and whether the marker END was met.
local function slice(name, from, most)
  local entries = redis.call('LRANGE', name, from, from + most - 1)
  local last = entries[#entries] or redis.call('LINDEX', name, -1)
  local ended = last == END
  if #entries > 0 and isMarker(last) then entries[#entries] = nil end
  return entries, ended
end

-- Where what is older than 'below' begins.
local function find(name)
  if below == '' then return 0 end
  local from = countNewer(name, below)
  return redis.call('LINDEX', name, from) == below and from + 1 or from
end

local celebrities = celebritiesKey and redis.call('GET', celebritiesKey)
-- With the celebrities, a list is known to be built; without them it is not, or half of it is lost.
local tail = not celebrities and redis.call('LINDEX', key, -1)
if not celebrities then
  if not tail then return {0, '', ''} end
  if isOpen(tail) then return {1, '', ''} end
  if celebritiesKey then
    redis.call('DEL', key)
    return {0, '', ''}
  end
end

if not celebrities or celebrities == '' then
  local entries, ended = slice(key, find(key) + skip, count)
  if celebrities and #entries == 0 and not ended and redis.call('EXISTS', key) == 0 then
    return {0, '', ''}
  end
  renew(key, celebritiesKey)
  return {(ended or #entries == count) and 2 or 1, table.concat(entries), ''}
end

-- The reader's list and those of the celebrities, merged: each time the newest of all heads.
if redis.call('EXISTS', key) == 0 then return {0, '', ''} end
if skip > ${deepestMerge} then return {1, '', ''} end
if string.sub(celebrities, -1) ~= '${crowdedMark}' then renew(key, celebritiesKey) end
local sources, cold = {}, {}

-- Most ids differ in when they were made, which compares fastest.
local function advance(source)
  source.at = source.at + 1
  source.head = source.entries[source.at]
  source.made = source.head and struct.unpack('>I6', source.head)
end

local function add(name)
  local entries, ended = slice(name, find(name), skip + count)
  local source = {entries = entries, ended = ended, at = 0}
  advance(source)
  sources[#sources + 1] = source
end

add(key)
for start = 1, #celebrities - 35, 36 do
  local author = string.sub(celebrities, start, start + 35)
  local name = 'feed:author:' .. author
  local last = redis.call('LINDEX', name, -1)
  if not last or isOpen(last) then
    cold[#cold + 1] = author
  else
    renew(name)
    add(name)
  end
end
if #cold > 0 then return {1, '', table.concat(cold)} end

local merged, taken, previous = {}, 0, nil
while #merged < count do
  local best
  for _, source in ipairs(sources) do
    local made = source.made
    -- What this source has next is in Postgres, and may be newer than what the others have.
    if not made and not source.ended then return {1, table.concat(merged), ''} end
    if made and (not best or made > best.made
        or made == best.made and isNewer(source.head, best.head)) then
      best = source
    end
  end
  if not best then break end
  local id = best.head
  advance(best)
  if id ~= previous then
    previous = id
    taken = taken + 1
    if taken > skip then merged[#merged + 1] = id end
  end
end
return {2, table.concat(merged), ''}
`)
