import { isIP } from 'node:net'
import { textsOf } from './content.ts'
import { type Law, type Run, say } from './law.ts'

type Suspicion = { what: string; finds(text: string, where: string): boolean }

const suspicions: Suspicion[] = [
  { what: 'an e-mail address', finds: (text) => /[\w.+-]+@[\w-]+\.[a-z]{2,}/i.test(text) },
  { what: 'a token', finds: (text) => /\beyJ[\w-]{8,}\.[\w-]{8,}/.test(text) },
  { what: 'a bearer token', finds: (text) => /\bbearer\s+[\w.~+/-]{8,}/i.test(text) },
  { what: 'a cookie', finds: (text) => /\b(set-cookie|cookie)\s*[:=]\s*\S/i.test(text) },
  {
    what: 'a password',
    // `password = $1` in a statement is a place for one, not one.
    finds: (text) => /\bpass(word|wd)?["']?\s*[:=]\s*["']?(?![$?\s])[^\s"']/i.test(text),
  },
  {
    what: 'the values of a query',
    finds: (text, where) => /^url\./.test(where) && /\?/.test(text),
  },
  {
    what: 'the name of a file',
    // `at Sharp.png` in a stack is no file.
    finds: (text, where) =>
      where !== 'exception.stacktrace' && /[\w)-]\.(jpe?g|png|gif|webp|heic|mov|mp4)\b/i.test(text),
  },
  {
    what: 'a place',
    finds: (text) => /\bGPS|-?\d{1,2}\.\d{3,}\s*[,;]\s*-?\d{1,3}\.\d{3,}/.test(text),
  },
  {
    what: 'an address',
    // `Chrome/120.0.0.0` reads like one.
    finds: (text, where) => where !== 'user_agent.original' && addressIn(text) !== undefined,
  },
]

// What was looked at once need not be looked at again: most values repeat from span to span.
const cleared = new WeakMap<Run, Set<string>>()

/** Nothing that a person typed or holds may leave in telemetry; ids of people and sessions may. */
export const nothingPrivate: Law = (trace, run) => {
  const clean = cleared.get(run) ?? new Set()
  cleared.set(run, clean)
  return trace.flatMap((span) =>
    textsOf(span).flatMap(({ where, text }) => {
      const key = `${where} ${text}`
      if (clean.has(key)) return []
      const found = whatIsPrivate(text, where, run)
      if (!found) clean.add(key)
      return found ? [`${say(span)} shows ${found} in ${where}`] : []
    }),
  )
}

function whatIsPrivate(text: string, where: string, run: Run): string | undefined {
  const suspicion = suspicions.find(({ finds }) => finds(text, where))
  if (suspicion) return suspicion.what
  const secret = run.secrets.find((secret) => text.includes(secret))
  return secret && `"${secret}", which a person of this run typed or holds,`
}

/** Anybody's address but this machine's own. */
function addressIn(text: string): string | undefined {
  return text.split(/[^0-9a-f.:]+/i).find((word) => {
    const version = isIP(word)
    if (version === 4) return !word.startsWith('127.')
    // Fewer groups are more likely `$1::date` in a statement.
    return version === 6 && word.split(':').filter(Boolean).length >= 3
  })
}
