import { describe, expect, it } from 'vitest'
import type { TraceSpan, Typed } from '../trace.ts'
import type { Run } from './law.ts'
import { checkTrace, type LawName, laws } from './laws.ts'
import { eventTrace, goodTrace, liveTrace, pick, runOf, spanId, typed } from './sample.ts'

type Case = {
  law: LawName
  why: string
  /** Breaks the trace in place, or gives another. */
  spoil: (trace: TraceSpan[]) => TraceSpan[] | undefined
  says: RegExp
  run?: Partial<Run>
}

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln'

const cases: Case[] = [
  {
    law: 'oneRoot',
    why: 'a request that began a trace of its own inside another',
    spoil: (trace) => change(trace, 'profile', { parentId: '' }),
    says: /^the trace has 2 roots instead of one: gateway SERVER .*, profile SERVER /,
  },
  {
    law: 'oneRoot',
    why: 'a statement outside of any request',
    spoil: (trace) => [{ ...pick(trace, 'insert'), parentId: '' }],
    says: /^auth CLIENT INSERT users \(\w+\) is a root, but only a request or an event begins/,
  },
  {
    law: 'oneRoot',
    why: 'no beginning at all',
    spoil: (trace) => {
      pick(trace, 'gateway').parentId = spanId('process')
      pick(trace, 'gateway').start += 93_000_000n
      pick(trace, 'gateway').kind = 'CLIENT'
      for (const span of trace) span.start = 1n
      return trace
    },
    says: /^the trace has 0 roots instead of one: none$/,
  },
  {
    law: 'noMissingParent',
    why: 'a span that was lost on the way',
    spoil: (trace) => trace.filter((span) => span !== pick(trace, 'call')),
    says: /^profile SERVER POST \/internal\/profiles \(\w+\) has a parent that is not in the trace/,
  },
  {
    law: 'noEarlyChild',
    why: 'a child more than a millisecond before its parent',
    spoil: (trace) => change(trace, 'auth', { start: pick(trace, 'gateway').start - 1_000_001n }),
    says: /^auth SERVER .* starts 1\.000 ms before its parent gateway SERVER /,
  },
  {
    law: 'serverHasCaller',
    why: 'a SERVER below a PRODUCER',
    spoil: (trace) => change(trace, 'profile', { parentId: spanId('publish') }),
    says: /^profile SERVER .* answers auth PRODUCER .*, which is neither a CLIENT nor the gateway$/,
  },
  {
    law: 'serverHasCaller',
    why: 'a SERVER directly below another service',
    spoil: (trace) => change(trace, 'profile', { parentId: spanId('auth') }),
    says: /^profile SERVER .* answers auth SERVER /,
  },
  {
    law: 'liveHasPhone',
    why: 'a live event below a call of another service',
    spoil: (trace) => attribute(trace, 'profile', { 'messaging.system': 'socket.io' }),
    says: /^profile SERVER .* answers auth CLIENT .*, which is no phone$/,
  },
  {
    law: 'consumerHasProducer',
    why: 'a CONSUMER below a CLIENT',
    spoil: (trace) => change(trace, 'process', { parentId: spanId('insert') }),
    says: /^profile CONSUMER .* points to auth CLIENT INSERT users .* instead of a PRODUCER$/,
  },
  {
    law: 'consumerHasProducer',
    why: 'a CONSUMER on its own, without a link',
    spoil: () => [{ ...eventTrace()[0]!, links: [] }],
    says: /^feed CONSUMER .* has no PRODUCER as its parent or link$/,
  },
  {
    law: 'consumerHasProducer',
    why: 'a link to a span that nobody stored',
    spoil: () => [{ ...eventTrace()[0]!, links: [{ traceId: 'x', spanId: 'y' }] }],
    says: /^feed CONSUMER .* points to a span that is not stored instead of a PRODUCER$/,
  },
  {
    law: 'errorExplained',
    why: 'an error without a reason',
    spoil: (trace) => change(trace, 'call', { status: 'error' }),
    says: /^auth CLIENT POST .* is in error without an exception or a child in error$/,
  },
  {
    law: 'serverStatus',
    why: 'a 409 marked as an error',
    spoil: (trace) => {
      answer(trace, 'auth', 409)
      const events = [{ name: 'exception', attributes: {} }]
      return change(trace, 'auth', { status: 'error', events })
    },
    says: /^auth SERVER .* answered 409 but its status is error, not unset$/,
  },
  {
    law: 'serverStatus',
    why: 'a 503 that looks well',
    spoil: (trace) => answer(trace, 'profile', 503),
    says: /^profile SERVER .* answered 503 but is not in error$/,
  },
  {
    law: 'exceptionOnce',
    why: 'an exception told at two edges',
    spoil: (trace) => {
      const exception = { name: 'exception', attributes: {} }
      return change(trace, 'call', { status: 'error', events: [exception, exception] })
    },
    says: /^auth CLIENT .* records 2 exceptions$/,
  },
  {
    law: 'exceptionOnce',
    why: 'an exception told again by the span above',
    spoil: (trace) => {
      const places: Typed = { type: 'string', value: '    at insert (store.ts:1:1)' }
      const events = [{ name: 'exception', attributes: { 'exception.stacktrace': places } }]
      const failed = change(trace, 'insert', { status: 'error', events })
      return change(failed, 'auth', { status: 'error', events })
    },
    says: /^auth SERVER .* records the exception that auth CLIENT INSERT users .*recorded$/,
  },
  ...[
    'GET /api/users/0190a0b0-0000-7000-8000-00000000abcd',
    'GET /api/posts/42',
    'GET /media/deadbeef00',
    'GET session:Zx81kLmnOpqRstUvwXyz0',
  ].map(
    (name): Case => ({
      law: 'noIdInName',
      why: name,
      spoil: (trace) => change(trace, 'insert', { name }),
      says: /^the name of auth CLIENT .* holds an id: (0190a0b0-|42|deadbeef00|Zx81)/,
    }),
  ),
  {
    law: 'attributesDeclared',
    why: 'an attribute that nobody declared',
    spoil: (trace) => attribute(trace, 'insert', { 'db.mood': 'fine' }),
    says: /^auth CLIENT INSERT .* carries db\.mood, which is not declared in telemetry\/conventions$/,
  },
  {
    law: 'attributesDeclared',
    why: 'an attribute of another type',
    spoil: (trace) => attribute(trace, 'insert', { 'cache.hit': 'true' }),
    says: /carries cache\.hit as string, declared as boolean$/,
  },
  {
    law: 'attributesDeclared',
    why: 'an undeclared attribute on an event',
    spoil: (trace) =>
      change(trace, 'insert', {
        events: [{ name: 'exception', attributes: typed({ 'exception.colour': 'red' }) }],
      }),
    says: /carries exception\.colour, which is not declared/,
  },
  ...(
    [
      ['an e-mail address', 'ada.lovelace@example.org'],
      ['a token', jwt],
      ['a bearer token', 'Bearer c29tZXRoaW5nLWxvbmc'],
      ['a cookie', 'cookie: refresh=1'],
      ['a password', 'password=hunter2'],
      ['the name of a file', 'cannot read IMG_2041.JPG'],
      ['a place', 'GPSLatitude is broken'],
      ['a place', 'taken at 57.2722, -6.2001'],
      ['an address', 'client 203.0.113.9 refused'],
      ['an address', 'client 2001:db8:77::9 refused'],
      ['"otters of Skye", which a person of this run typed or holds,', 'about otters of Skye'],
    ] as const
  ).map(
    ([what, text]): Case => ({
      law: 'nothingPrivate',
      why: what,
      run: { secrets: ['otters of Skye'] },
      spoil: (trace) =>
        change(trace, 'insert', {
          events: [{ name: 'exception', attributes: typed({ 'exception.message': text }) }],
        }),
      says: new RegExp(`^auth CLIENT .* shows ${what} in exception\\.message$`),
    }),
  ),
  {
    law: 'nothingPrivate',
    why: 'what was searched for',
    spoil: (trace) => attribute(trace, 'gateway', { 'url.path': '/api/users/search?q=ada' }),
    says: /^gateway SERVER .* shows the values of a query in url\.path$/,
  },
]

describe('the laws of traces', () => {
  it('find nothing in good traces', () => {
    const run = runOf([goodTrace(), eventTrace()], { secrets: ['otters of Skye'] })
    expect(checkTrace(goodTrace(), run)).toEqual([])
    expect(checkTrace(eventTrace(), run)).toEqual([])
  })

  it('let a caller outside be the parent of the root', () => {
    const trace = goodTrace()
    pick(trace, 'gateway').parentId = 'aaaaaaaaaaaaaaaa'
    const run = runOf([trace], { outside: new Set(['aaaaaaaaaaaaaaaa']) })
    expect(checkTrace(trace, run)).toEqual([])
    expect(checkTrace(trace, runOf([trace]))).not.toEqual([])
  })

  it('let a phone begin a trace, or what is said on one that has no spans', () => {
    const trace = liveTrace()
    expect(checkTrace(trace, runOf([trace]))).toEqual([])
    const rest = trace.slice(1)
    pick(rest, 'live').parentId = ''
    expect(checkTrace(rest, runOf([rest]))).toEqual([])
  })

  it('allow clocks a millisecond', () => {
    const trace = goodTrace()
    pick(trace, 'auth').start = pick(trace, 'gateway').start - 1_000_000n
    expect(checkTrace(trace, runOf([trace]))).toEqual([])
  })

  it('accept an error below which the reason stands', () => {
    const trace = goodTrace()
    const events = [{ name: 'exception', attributes: typed({ 'exception.type': 'ECONNREFUSED' }) }]
    change(trace, 'call', { status: 'error', events })
    change(trace, 'auth', { status: 'error' })
    expect(checkTrace(trace, runOf([trace]))).toEqual([])
  })

  for (const { law, why, spoil, says, run } of cases) {
    it(`${law}: ${why}`, () => {
      const trace = spoil(goodTrace()) ?? []
      const breaches = checkTrace(trace, runOf([trace, goodTrace()], run))
      const broken = new Set(breaches.map((breach) => breach.law))
      expect([...broken]).toEqual([law])
      expect(breaches.map(({ sentence }) => sentence).join('\n')).toMatch(says)
    })
  }

  it('are each shown to be broken', () => {
    expect(Object.keys(laws).filter((law) => !cases.some((found) => found.law === law))).toEqual([])
  })
})

function change(trace: TraceSpan[], id: string, change: Partial<TraceSpan>): TraceSpan[] {
  Object.assign(pick(trace, id), change)
  return trace
}

function attribute(trace: TraceSpan[], id: string, more: Record<string, string>): TraceSpan[] {
  Object.assign(pick(trace, id).attributes, typed(more))
  return trace
}

function answer(trace: TraceSpan[], id: string, status: number): TraceSpan[] {
  pick(trace, id).attributes['http.response.status_code'] = { type: 'int', value: status }
  return trace
}
