/** Codes of Postgres, Redis and the network, in words for who does not know them by heart. */
const words = new Map([
  ['08000', 'connection lost'],
  ['08003', 'connection lost'],
  ['08006', 'connection lost'],
  ['22001', 'text too long'],
  ['22P02', 'malformed value'],
  ['23502', 'value missing'],
  ['23503', 'foreign key violation'],
  ['23505', 'unique violation'],
  ['23514', 'check violation'],
  ['25006', 'read-only'],
  ['28P01', 'wrong password'],
  ['40001', 'serialization failure'],
  ['40P01', 'deadlock'],
  ['42501', 'not permitted'],
  ['42601', 'syntax error'],
  ['42703', 'no such column'],
  ['42P01', 'no such table'],
  ['53100', 'disk full'],
  ['53200', 'out of memory'],
  ['53300', 'too many connections'],
  ['55P03', 'locked by another'],
  ['57014', 'took too long'],
  ['57P01', 'shut down'],
  ['57P02', 'crashed'],
  ['57P03', 'starting up'],
  ['EAI_AGAIN', 'name not resolved'],
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'connection reset'],
  ['EHOSTUNREACH', 'host unreachable'],
  ['ENOTFOUND', 'no such host'],
  ['EPIPE', 'connection closed'],
  ['ETIMEDOUT', 'timed out'],
  ['REDIS_AWAY', 'Redis gave no answer in time'],
])

/**
 * "23505 unique violation: and the message"; types of error without words stay as they are. A Problem
 * is named by no class: its first sentence says what it is, the others are advice for a client.
 */
export function explain(type: string, message = ''): string {
  if (type === 'Problem') return firstSentence(message) || bareProblem
  const word = words.get(type)
  return [word ? `${type} ${word}` : type, message].filter(Boolean).join(': ')
}

/** What is told of a Problem that carries no message. */
export const bareProblem = 'what it needs was away, busy or refused'

function firstSentence(text: string): string {
  return text.split(/\.(?: |$)/)[0]!
}
