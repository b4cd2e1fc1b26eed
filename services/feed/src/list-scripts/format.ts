/**
 * A list of post ids is sorted, newest first; ids are the 16 bytes of a UUIDv7. Its last entry may
 * be a marker, which sorts below every id since its first 8 bytes are zero. END (16 zero bytes):
 * nothing older exists. OPEN (8 zero bytes, then a token): being built, what is below is unknown.
 * A list without a marker was trimmed: older ones are in Postgres.
 */
export function isMarker(entry: Buffer): boolean {
  return entry.readBigUInt64BE() === 0n
}

/** The marker END. */
export const end = Buffer.alloc(16)

/** A list holds 800 ids, and one more: it tells the last page of them that there is another. */
export const longest = 801
/** So many more come in before a list is cut again: cutting at each push costs as much as the push. */
export const slack = 16

/**
 * Lua that all scripts over lists begin with. Lua compares strings in the order of the server's
 * locale, so ids are compared as three numbers, each small enough for a double: 6, 5 and 5 bytes.
 */
export const common = `
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
