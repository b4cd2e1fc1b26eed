import { defineScript } from '../script.ts'
import { ahead, any, own } from './ahead.ts'
import { common } from './format.ts'

/**
 * KEYS: for timelines what is ahead.
 * ARGV: the lists' keys with a space between them, the length of each, the id, the most ids to keep,
 * how many more there may be before a list is cut, how the id comes there (see `ahead`), and at how
 * many of the lists to look in any case.
 * One text instead of hundreds of arguments, and as few commands as can be: they are what this costs.
 * Gives the number of lists that were there.
 */
export const pushToLists = defineScript(`${common}${ahead}
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
  local aheadId, before = readAhead(key)
  if isNewer(id, aheadId) then
    writeAhead(key, id, how)
    return how ~= '${own}'
  end
  if id ~= aheadId or how == '${own}' or before == '${any}' then return false end
  if before == how then return true end
  local first = before == '${own}'
  writeAhead(key, id, first and how or '${any}')
  return first
end

local lists = 0
local looks = tonumber(ARGV[7])
if not KEYS[1] or not isAhead(KEYS[1], ARGV[6]) then looks = math.huge end
for start = 1, #keys, width + 1 do
  local key = sub(keys, start, start + width - 1)
  local length = call('LPUSHX', key, id)
  if length > 0 then
    lists = lists + 1
    if looks > 0 and not isNewer(id, call('LINDEX', key, 1)) then
      -- It came late: not to the top.
      call('LPOP', key)
      length = insert(key)
    end
    if length > room then trim(key) end
  end
  looks = looks - 1
end
return lists
`)
