import { defineScript } from '../script.ts'
import { common } from './format.ts'

/**
 * Takes out posts that are no more: they may be in the list itself, or in one that is merged in.
 * KEYS: the list, for a timeline also the reader's celebrities. ARGV: ids joined.
 */
export const removeFromLists = defineScript(`${common}
local lists = {KEYS[1]}
local celebrities = KEYS[2] and redis.call('GET', KEYS[2]) or ''
for start = 1, #celebrities - 35, 36 do
  lists[#lists + 1] = 'feed:author:' .. string.sub(celebrities, start, start + 35)
end
for _, key in ipairs(lists) do
  for start = 1, #ARGV[1], 16 do
    local id = string.sub(ARGV[1], start, start + 15)
    if redis.call('LINDEX', key, countNewer(key, id)) == id then redis.call('LREM', key, 1, id) end
  end
end
return 1
`)
