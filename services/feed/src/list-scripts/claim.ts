import { defineScript } from '../script.ts'

/**
 * KEYS: the list, for a timeline also the reader's celebrities.
 * ARGV: the marker OPEN with a token, its life in ms. Gives 1 when claimed.
 */
export const claimList = defineScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if KEYS[2] then redis.call('DEL', KEYS[2]) end
return 1
`)
