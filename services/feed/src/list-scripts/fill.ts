import { defineScript } from '../script.ts'
import { ahead, any } from './ahead.ts'
import { common } from './format.ts'

/**
 * KEYS: the list, for a timeline also the reader's celebrities, and what is ahead.
 * ARGV: the marker that was put, ids joined, '1' when these are all there are, life in ms,
 * celebrities joined, the most ids to keep. Gives 1 unless the claim is gone.
 */
export const fillList = defineScript(`${common}${ahead}
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
  local newest = entries[1]
  if newest and not isMarker(newest) and not isNewer(readAhead(KEYS[3]), newest) then
    writeAhead(KEYS[3], newest, '${any}')
  end
end
return 1
`)
