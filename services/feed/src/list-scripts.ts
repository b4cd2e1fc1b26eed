import { defineScript } from './script.ts'

/**
 * Scripts over lists of post ids. A list is sorted, newest first; ids are the 16 bytes of a UUIDv7.
 * Its last entry may be a marker, which sorts below every id since its first 8 bytes are zero:
 * END (16 zero bytes): nothing older exists; OPEN (8 zero bytes, then a token): being built, what is
 * below is unknown. A list without a marker was trimmed: older ones are in Postgres.
 */
export const endMarker = Buffer.alloc(16)

export function isMarker(entry: Buffer): boolean {
  return entry.readBigUInt64BE() === 0n
}

/** A list holds 800 ids, and one more: it tells the last page of them that there is another. */
export const longest = 801
/** So many more come in before a list is cut again: cutting at each push costs as much as the push. */
export const slack = 16

// Lua compares strings in the order of the server's locale, so ids are compared as three numbers,
// each small enough for a double: 6, 5 and 5 bytes.
const common = `
local END = string.rep('\\0', 16)
local NOTHING = string.rep('\\0', 8)

local function isMarker(entry)
  return string.sub(entry, 1, 8) == NOTHING
end

local function isOpen(entry)
  return entry and entry ~= END and isMarker(entry)
end

local function isNewer(a, b)
  local a1, a2, a3 = struct.unpack('>I6I5I5', a)
  local b1, b2, b3 = struct.unpack('>I6I5I5', b)
  if a1 ~= b1 then return a1 > b1 end
  if a2 ~= b2 then return a2 > b2 end
  return a3 > b3
end

-- How many entries of the list are newer than this id, by halving.
local function countNewer(key, id)
  local low, high = 0, redis.call('LLEN', key)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if isNewer(redis.call('LINDEX', key, middle), id) then low = middle + 1 else high = middle end
  end
  return low
end
`

/**
 * KEYS: the list, for a timeline also the reader's celebrities.
 * ARGV: id to start below or '', how many to skip, how many to give, life in ms, renew below this.
 * Gives {found, ids, authors}. found: 0 no list, 1 more may follow, 2 these are certain.
 * authors: the celebrities whose own list is missing.
 */
export const readList = defineScript(`${common}
local key, celebritiesKey = KEYS[1], KEYS[2]
local below, skip, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- Writing a lifetime is a write, to the file of Redis too: so only when a good part of it is over.
local function renew(name)
  if redis.call('PTTL', name) >= tonumber(ARGV[5]) then return false end
  redis.call('PEXPIRE', name, ARGV[4])
  return true
end

-- Up to 'most' entries from where 'below' stands, and whether the marker END was met.
local function slice(name, from, most)
  local entries = redis.call('LRANGE', name, from, from + most - 1)
  local last = entries[#entries] or redis.call('LINDEX', name, -1)
  local ended = last == END
  if #entries > 0 and isMarker(last) then entries[#entries] = nil end
  return entries, ended
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

local from = 0
if below ~= '' then
  from = countNewer(key, below)
  if redis.call('LINDEX', key, from) == below then from = from + 1 end
end

if not celebrities or celebrities == '' then
  local entries, ended = slice(key, from + skip, count)
  if celebrities and #entries == 0 and not ended and redis.call('EXISTS', key) == 0 then
    return {0, '', ''}
  end
  if renew(key) and celebrities then redis.call('PEXPIRE', celebritiesKey, ARGV[4]) end
  return {(ended or #entries == count) and 2 or 1, table.concat(entries), ''}
end

-- The reader's list and those of the celebrities, merged: each time the newest of all heads.
if redis.call('EXISTS', key) == 0 then return {0, '', ''} end
if renew(key) then redis.call('PEXPIRE', celebritiesKey, ARGV[4]) end
local sources, cold = {}, {}
local entries, ended = slice(key, from, skip + count)
sources[1] = {entries = entries, ended = ended, at = 1}
for start = 1, #celebrities, 36 do
  local author = string.sub(celebrities, start, start + 35)
  local name = 'feed:author:' .. author
  local last = redis.call('LINDEX', name, -1)
  if not last or isOpen(last) then
    cold[#cold + 1] = author
  else
    renew(name)
    local first = 0
    if below ~= '' then
      first = countNewer(name, below)
      if redis.call('LINDEX', name, first) == below then first = first + 1 end
    end
    entries, ended = slice(name, first, skip + count)
    sources[#sources + 1] = {entries = entries, ended = ended, at = 1}
  end
end
if #cold > 0 then return {1, '', table.concat(cold)} end

local merged, taken, previous = {}, 0, nil
while #merged < count do
  local best
  for _, source in ipairs(sources) do
    local head = source.entries[source.at]
    -- What this source has next is in Postgres, and may be newer than what the others have.
    if not head and not source.ended then return {1, table.concat(merged), ''} end
    if head and (not best or isNewer(head, best.entries[best.at])) then best = source end
  end
  if not best then break end
  local id = best.entries[best.at]
  best.at = best.at + 1
  if id ~= previous then
    previous = id
    taken = taken + 1
    if taken > skip then merged[#merged + 1] = id end
  end
end
return {2, table.concat(merged), ''}
`)

/**
 * The newest id that any timeline may hold, and how it came there: who brings a newer one to thousands
 * need not look at each list whether it belongs on top. How: OWN, to its author alone; the token of
 * a fan-out, to its author and to those whom that fan-out has reached; ANY, to anybody.
 */
export const aheadKey = 'feed:ahead'
export const own = 'own'
export const any = 'any'

/** KEYS as for reading. ARGV: the marker OPEN with a token, its life in ms. Gives 1 when claimed. */
export const claimList = defineScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if KEYS[2] then redis.call('DEL', KEYS[2]) end
return 1
`)

/**
 * KEYS as for reading, for a timeline also the one above. ARGV: the marker that was put, ids joined, '1' when these are all there are,
 * life in ms, celebrities joined, the most ids to keep. Gives 1 unless the claim is gone.
 */
export const fillList = defineScript(`${common}
local key, ids, most = KEYS[1], ARGV[2], tonumber(ARGV[6])
if redis.call('LINDEX', key, -1) ~= ARGV[1] then return 0 end
local pushed = redis.call('LRANGE', key, 0, -2)

-- What was pushed meanwhile is merged in; mostly it is nothing, or newer than the rest.
local entries, at = {}, 1
for start = 1, #ids, 16 do
  local id = string.sub(ids, start, start + 15)
  while pushed[at] and isNewer(pushed[at], id) do
    entries[#entries + 1] = pushed[at]
    at = at + 1
  end
  if pushed[at] == id then at = at + 1 end
  entries[#entries + 1] = id
end
while pushed[at] do
  entries[#entries + 1] = pushed[at]
  at = at + 1
end

local kept = math.min(#entries, most)
redis.call('DEL', key)
if ARGV[3] == '1' and kept == #entries then
  kept = kept + 1
  entries[kept] = END
end
if kept > 0 then redis.call('RPUSH', key, unpack(entries, 1, kept)) end
redis.call('PEXPIRE', key, ARGV[4])
if KEYS[2] then
  redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[4])
  local ahead = redis.call('GET', KEYS[3])
  if #entries > 0 and not isMarker(entries[1]) then
    local aheadId = ahead and string.sub(ahead, 1, 16)
    if not aheadId or aheadId == entries[1] or isNewer(entries[1], aheadId) then
      redis.call('SET', KEYS[3], entries[1] .. '${any}')
    end
  end
end
return 1
`)

/**
 * KEYS: for timelines the one above.
 * ARGV: the lists' keys with a space between them, the length of each, the id, the most ids to keep,
 * how many more there may be before a list is cut, how the id comes there (see above), and at how
 * many of the lists to look in any case.
 * One text instead of hundreds of arguments, and as few commands as can be: they are what this costs.
 * Gives the number of lists that were there.
 */
export const pushToLists = defineScript(`${common}
local keys, width, id = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local most = tonumber(ARGV[4])
local room = most + ARGV[5]
local call, sub = redis.call, string.sub

local function trim(key)
  -- Whoever builds it finds the marker, and trims.
  if not isOpen(call('LINDEX', key, -1)) then call('LTRIM', key, 0, most - 1) end
end

local function insert(key)
  local place = countNewer(key, id)
  local older = call('LINDEX', key, place)
  -- Older than all of a trimmed list, or in it already.
  if not older or older == id then return 0 end
  return call('LINSERT', key, 'BEFORE', older, id)
end

-- Whether it belongs on top of every list but those of its author.
local function isAhead(key, how)
  local ahead = call('GET', key)
  local aheadId = ahead and sub(ahead, 1, 16)
  if not ahead or isNewer(id, aheadId) then
    call('SET', key, id .. how)
    return how ~= '${any}' and how ~= '${own}'
  end
  if aheadId ~= id then return false end
  local before = sub(ahead, 17)
  if how == '${any}' then call('SET', key, id .. how) end
  if how == '${any}' or how == '${own}' or (before ~= how and before ~= '${own}') then return false end
  call('SET', key, id .. how)
  return true
end

local lists, looked = 0, tonumber(ARGV[7])
if not KEYS[1] or not isAhead(KEYS[1], ARGV[6]) then looked = #keys end
for start = 1, #keys, width + 1 do
  local key = sub(keys, start, start + width - 1)
  local length = call('LPUSHX', key, id)
  if length > 0 then
    lists = lists + 1
    if looked > 0 and not isNewer(id, call('LINDEX', key, 1)) then
      -- It came late: not to the top.
      call('LPOP', key)
      length = insert(key)
    end
    if length > room then trim(key) end
  end
  looked = looked - 1
end
return lists
`)
