import { expect, test } from 'vitest'
import {
  broken,
  deep,
  failure,
  profileRead,
  refusal,
  registration,
  repeated,
  type Sketch,
  toOtlp,
  wide,
} from './fixtures.ts'
import { toSpans } from './span.ts'
import { buildTree } from './tree.ts'
import { render } from './waterfall.ts'

function draw(sketches: Sketch[], options: { width?: number; full?: boolean } = {}): string {
  const settings = { width: 80, color: false, full: false, ...options }
  return render(buildTree(toSpans(toOtlp(sketches))), settings)
}

test('a cached read: every span, its bar and what the cache had', () => {
  expect(`\n${draw(profileRead)}`).toBe(`
GET /api/users/{id} → 200                                                3.42 ms
trace 4bf92f3577b34da6a3ce929d0e0e4736
5 spans · 2 services · no errors

                                        0           1.71 ms      3.42 ms
gateway GET /api/users/{id}             ████████████████████████████████ 3.42 ms
profile └ GET /api/users/{id}               ▕█████████████████████████   2.69 ms
profile   ├ GET session · redis · hit         ▐███▎                       400 µs
profile   ├ GET profile · redis · miss             ███▊                   380 µs
profile   └ SELECT profiles · pg                       ▕███████████▋     1.25 ms

gateway    1 span   730 µs own time
profile   4 spans   660 µs own time, Postgres 1.25 ms, Redis 780 µs`)
})

test('which process it was, where a service has several and more than one had a part', () => {
  const [one, two] = ['messaging-1', 'messaging-2']
  const service = 'messaging'
  const sent: Sketch[] = [
    { id: 'a', service, instance: one, kind: 'server', name: 'message:send', at: [0, 4] },
    { id: 'b', parent: 'a', service, instance: one, kind: 'producer', name: 'publish', at: [2, 3] },
    { id: 'c', parent: 'b', service, instance: two, kind: 'consumer', name: 'process', at: [3, 4] },
  ]
  const sources = (drawn: string) => drawn.match(/^messaging(?:-\d)?(?= +[└├m])/gm)
  expect(sources(draw(sent))).toEqual([one, one, two])
  expect(sources(draw(sent.slice(0, 2)))).toEqual([service, service])
})

test('an event that was refused says so, and its phone may keep its own spans to itself', () => {
  const attributes = { 'messaging.system': 'socket.io', 'clew.problem.status': 422 }
  const parent = 'of the phone'
  const sent: Sketch[] = [
    {
      id: 'a',
      parent,
      service: 'messaging',
      kind: 'server',
      name: 'typing',
      at: [0, 4],
      attributes,
    },
  ]
  const drawn = draw(sent)
  expect(drawn).toContain('typing → 422')
  expect(drawn).toContain('messaging typing · 422')
  expect(drawn).not.toContain('never arrived')
})

test('work after the answer is told apart from the answer', () => {
  expect(`\n${draw(registration)}`).toBe(`
POST /api/auth/register → 201                                            84.2 ms
trace 4bf92f3577b34da6a3ce929d0e0e4736
16 spans · 3 services · no errors
answered at 84.2 ms, finished at 320 ms

                                       0               84.2 ms┊   320 ms
gateway POST /api/auth/register        ███████████████████████┊          84.2 ms
auth    └ POST /api/auth/register      ██████████████████████▉┊          83.3 ms
auth      ├ EVALSHA ratelimit · redis  ▏                      ┊           500 µs
auth      ├ hash password              █████████████████▌     ┊          62.1 ms
auth      ├ BEGIN · pg                                  ▕     ┊           400 µs
auth      ├ INSERT users · pg                           ▐▎    ┊          2.30 ms
auth      ├ publish events:auth                          ▏    ┊           400 µs
auth      │ ├ INSERT outbox · pg                         ▏    ┊           400 µs
profile   │ └ process events:auth                             ┊        █   19 ms
          │   │ waited 234 ms
          │   │ ↷ continues publish events:auth (auth)
profile   │   └ INSERT profiles · pg                          ┊        ▍    8 ms
auth      ├ COMMIT · pg                                  █▏   ┊          2.30 ms
auth      ├ POST /internal/profiles                       ██▉ ┊          10.1 ms
profile   │ └ POST /internal/profiles                     ██▊ ┊          8.30 ms
profile   │   ├ INSERT profiles · pg                      ▐█▍ ┊          6.50 ms
profile   │   └ SET profile · redis                         ▏ ┊           500 µs
auth      └ SET session · redis                             ▕▏┊           600 µs

gateway    1 span   900 µs own time
auth     10 spans  68.5 ms own time, Postgres 5.40 ms, Redis 1.10 ms
profile   5 spans  12.3 ms own time, Postgres 14.5 ms, Redis 500 µs
Time after the answer (┊) is drawn to a smaller scale.`)
})

test('an error is marked on every span, and told once, where it happened', () => {
  expect(`\n${draw(failure)}`).toBe(`
POST /api/users/{id}/follow → 503                                         1.20 s
trace 4bf92f3577b34da6a3ce929d0e0e4736
4 spans · 2 services · ✗ 3 errors

                                               0        602 ms     1.2 s
gateway ✗ POST /api/users/{id}/follow · 503    █████████████████████████  1.20 s
profile └ ✗ POST /api/users/{id}/follow · 503  █████████████████████████  1.20 s
profile   ├ GET profile · redis · hit          ▏                          400 µs
profile   └ ✗ INSERT follows · pg · retry 2    █████████████████████████  1.20 s
              ✗ Error: connect ECONNREFUSED 127.0.0.1:5442

gateway    1 span     2 ms own time
profile   3 spans  1.80 ms own time, Postgres 1.20 s, Redis 400 µs`)
})

test('a refusal says why, and the bars make room for it', () => {
  expect(`\n${draw(refusal)}`).toBe(`
POST /api/auth/refresh → 401                                                9 ms
trace 4bf92f3577b34da6a3ce929d0e0e4736
3 spans · 2 services · no errors

                                                          0         9 ms
gateway POST /api/auth/refresh · 401                      ██████████████    9 ms
auth    └ POST /api/auth/ref… · 401 reused_refresh_token   ███████████▉  7.59 ms
auth      └ SELECT refresh_tokens · pg                     ▕███▋         2.43 ms

gateway    1 span     1 ms own time
auth      2 spans  5.16 ms own time, Postgres 2.43 ms`)
})

test('a limit is named as a refusal is', () => {
  const attributes = { 'http.response.status_code': 429, 'clew.limit': 'login_account' }
  const text = draw([
    { id: 'a', service: 'auth', kind: 'server', name: 'x', at: [0, 1], attributes },
  ])
  expect(text).toContain('x · 429 login_account')
})

test.each([
  ['23505', '✗ 23505 unique violation'],
  ['40P01', '✗ 40P01 deadlock'],
  ['ECONNREFUSED', '✗ ECONNREFUSED connection refused'],
  ['REDIS_AWAY', '✗ REDIS_AWAY Redis gave no answer in time'],
  ['Problem', '✗ what it needs was away, busy or refused'],
  ['NoSuchCode', '✗ NoSuchCode'],
])('an error of type %s is told in words, too', (type, told) => {
  const span: Sketch = { id: 'd', service: 'auth', name: 'INSERT users', at: [0, 1], failed: '' }
  const lines = (sketch: Sketch) =>
    draw([sketch])
      .split('\n')
      .map((line) => line.trim())
  expect(lines({ ...span, attributes: { 'error.type': type } })).toContain(told)
  expect(lines({ ...span, exception: [type, ''] })).toContain(told)
})

test('a request that matched no route shows its path, shortened when it is long', () => {
  const asked = (path: string, route = {}) => {
    const attributes = { 'http.response.status_code': 404, 'url.path': path, ...route }
    return draw([
      { id: 'g', service: 'gateway', kind: 'server', name: 'GET', at: [0, 3], attributes },
    ])
  }
  expect(asked('/api/nothing')).toMatch(/^GET \/api\/nothing → 404 /)
  expect(asked('/api/nothing')).toMatch(/^gateway GET \/api\/nothing · 404 /m)
  expect(asked(`/${'long/'.repeat(20)}`)).toMatch(/^GET \/[long/]{38}… → 404 /)
  expect(asked('/secret', { 'http.route': '/{id}' })).not.toContain('secret')
  expect(asked('/a\u001b[31mb')).not.toContain('\u001b')
})

test('of a clock that counts milliseconds no more digits are shown than it knows', () => {
  const took = (start: number, end: number) => {
    return draw([{ id: 'g', service: 'gateway', kind: 'server', name: 'x', at: [start, end] }])
  }
  expect(took(0, 3)).toMatch(/^gateway x .* 3 ms$/m)
  expect(took(0, 0)).toMatch(/^gateway x .* <1 ms$/m)
  expect(took(0, 84)).toMatch(/^x +84 ms$/m)
  expect(took(0, 1_204)).toMatch(/^gateway x .* 1\.20 s$/m)
  expect(took(0.5, 3.5)).toMatch(/^gateway x .* 3\.00 ms$/m)
})

test('a lost parent gets a row, a cycle of parents is cut', () => {
  expect(`\n${draw(broken)}`).toBe(`
GET /api/users/{id}                                                      5.00 ms
trace 4bf92f3577b34da6a3ce929d0e0e4736
5 spans · 2 services · no errors
1 span names a parent that never arrived
1 cycle of parents, cut at the earliest span

                                           0          2.5 ms        5 ms
        ? missing parent 000000006c6f7374
        │ never arrived; its children are shown here
profile └ GET /api/users/{id}              █████████████████████████████    5 ms
profile   └ GET profile · hit                   ▕█████▋                     1 ms
auth    first                                         ▐███████████▎         2 ms
        │ ↻ its own descendant is its parent
auth    └ second                                         ▐█████▎         1.00 ms
auth      └ third                                           █▌            200 µs

profile   2 spans     5 ms own time
auth      3 spans  2.00 ms own time`)
})

test('siblings alike are one row that says how they ran', () => {
  expect(`\n${draw(wide())}`).toBe(`
GET /api/timeline/{user_id}                                               410 ms
trace 4bf92f3577b34da6a3ce929d0e0e4736
500 spans · 3 services · no errors

                                       0            205 ms        410 ms
gateway GET /api/timeline/{user_id}    █████████████████████████████████  410 ms
feed    └ GET /api/timeline/{user_id}  ████████████████████████████████▉  408 ms
feed      ├ ×40 GET /api/users/{id}    ▒▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓█▓█▓█         318 ms
          │   6–8 ms each, 279 ms in all, one after another (+80 inside)
feed      └ ×378 SELECT posts · pg                               ▒██████ 73.9 ms
              20.0–26.7 ms each, 8.83 s in all, overlapping

gateway    1 span     2 ms own time
feed    419 spans   174 ms own time, Postgres 8.83 s
profile  80 spans   120 ms own time, Redis 40.0 ms
Like spans are folded (×); --full shows each.`)
})

test('a fold shows each bar where it can, and how busy it was where it cannot', () => {
  expect(`\n${draw(repeated())}`).toBe(`
GET /api/posts                                                             50 ms
trace 4bf92f3577b34da6a3ce929d0e0e4736
15 spans · 2 services · no errors

                                       0             25 ms         50 ms
feed  GET /api/posts                   █████████████████████████████████   50 ms
feed  ├ ×5 SELECT posts                 ███   ███▌  ████▏ ████▊ █████▍     44 ms
      │   4–8 ms each, 30 ms in all, one after another
media ├ resize                               ▐██████▎                      10 ms
feed  └ ×8 GET post · redis · 5/8 hit                     ░ ░░░ ░░░ ░    14.3 ms
          300 µs each, 2.40 ms in all, one after another

feed     14 spans  44.7 ms own time, Redis 2.40 ms
media      1 span    10 ms own time
Like spans are folded (×); --full shows each.`)
})

test('where two times on the axis would meet, only that of the answer is written', () => {
  const text = draw([
    { id: 'g', service: 'auth', kind: 'server', name: 'GET /', at: [0, 95] },
    { id: 'c', parent: 'g', service: 'auth', kind: 'consumer', name: 'process', at: [90, 100] },
  ])
  expect(text.split('\n')[5]?.trim()).toMatch(/^0 +95 ms┊$/)
})

test('a service that ends a moment after the gateway is no work after the answer', () => {
  const text = draw([
    { id: 'g', service: 'gateway', kind: 'server', name: 'GET /', at: [0, 8] },
    { id: 'p', parent: 'g', service: 'profile', kind: 'server', name: 'GET /', at: [1, 9.3] },
    { id: 's', parent: 'p', service: 'profile', kind: 'client', name: 'SET', at: [8.4, 9.2] },
  ])
  expect(text).not.toContain('answered')
  expect(text).not.toContain('┊')
})

test('no line is wider than the terminal, whatever the trace', () => {
  const traces = [
    profileRead,
    registration,
    failure,
    refusal,
    broken,
    wide(),
    repeated(),
    deep(500),
  ]
  for (const width of [60, 80, 120]) {
    for (const full of [false, true]) {
      for (const trace of traces) {
        for (const line of draw(trace, { width, full }).split('\n')) {
          expect([...line].length, line).toBeLessThanOrEqual(width)
        }
      }
    }
  }
})

test('full shows every span', () => {
  const rows = draw(wide(), { full: true }).split('\n')
  expect(rows.filter((row) => row.includes('SELECT posts'))).toHaveLength(378)
})

test('an error inside keeps a span out of the fold', () => {
  const calls = Array.from({ length: 6 }, (_, i): Sketch => {
    const call: Sketch = { id: `c${i}`, parent: 'g', service: 'feed', name: 'GET', at: [i, i + 1] }
    return i === 3 ? { ...call, failed: 'timed out' } : call
  })
  const text = draw([{ id: 'g', service: 'feed', name: 'all', at: [0, 7] }, ...calls])
  expect(text).toContain('×5 GET')
  expect(text).toContain('✗ timed out')
})

test('control characters in a name do not reach the terminal', () => {
  const text = draw([{ id: 'g', service: 'a\u001b[31m', name: 'x\u001b[2J\ny', at: [0, 1] }])
  expect(text).not.toContain('\u001b')
  expect(text).toContain('x [2J y')
})

test('colours change nothing but colours', () => {
  const tree = buildTree(toSpans(toOtlp(failure)))
  const coloured = render(tree, { width: 80, color: true, full: false })
  expect(coloured).toContain('\u001b[')
  const colours = new RegExp(`${'\u001b'}\\[[0-9;]*m`, 'g')
  const plain = coloured.replace(colours, '').split('\n')
  expect(plain.map((line) => line.trimEnd()).join('\n')).toBe(draw(failure))
})

test('a trace deeper than the stack is drawn', () => {
  expect(draw(deep(20_000)).split('\n').length).toBeGreaterThan(20_000)
})

test('many operations in one round trip are counted, in a fold all of them', () => {
  const write = (id: string, size?: number): Sketch => {
    const attributes = {
      'db.system.name': 'redis',
      ...(size && { 'db.operation.batch.size': size }),
    }
    return { id, service: 'feed', kind: 'client', name: 'EVAL timeline', at: [0, 1], attributes }
  }
  expect(draw([write('a', 500)])).toMatch(/^feed +EVAL timeline · redis ×500 /m)
  expect(draw([write('a')])).toMatch(/^feed +EVAL timeline · redis {2}/m)
  const four = [write('a', 500), write('b', 500), write('c', 500), write('d')]
  expect(draw(four)).toMatch(/^feed +×4 EVAL timeline · redis ×1,501 /m)
})

test('the storage of images is named', () => {
  const attributes = { 'clew.storage': 'files' }
  const put: Sketch = { id: 'p', service: 'media', name: 'put object', at: [0, 1], attributes }
  expect(draw([put])).toMatch(/^media +put object · files {2}/m)
})

test.each(['hit', 'miss', 'stale'])('a page the gateway keeps says %s', (cache) => {
  const page = (status: number) => {
    const attributes = { 'http.response.status_code': status, 'clew.cache': cache }
    return draw([
      { id: 'g', service: 'gateway', kind: 'server', name: 'x', at: [0, 3], attributes },
    ])
  }
  expect(page(200)).toMatch(new RegExp(`^gateway x · ${cache} `, 'm'))
  expect(page(404)).toMatch(/^gateway x · 404 /m)
})

test('a Problem is told by its first sentence, and without one only where nothing below says more', () => {
  const handled = (message: string): Sketch => {
    const exception: [string, string] = ['Problem', message]
    return {
      id: 'c',
      service: 'feed',
      kind: 'consumer',
      name: 'x',
      at: [0, 3],
      failed: '',
      exception,
    }
  }
  const told = draw([handled('profile cannot be reached right now. Try again in a moment.')])
  expect(told).toMatch(/✗ profile cannot be reached right now$/m)
  const call: Sketch = {
    id: 'd',
    parent: 'c',
    service: 'feed',
    kind: 'client',
    name: 'GET /internal/followers/{id}',
    at: [1, 2],
    failed: '',
    attributes: { 'error.type': 'ECONNREFUSED' },
  }
  expect(draw([handled(''), call]).match(/✗ (?!x|GET)[^0-9].*/gm)).toEqual([
    '✗ ECONNREFUSED connection refused',
  ])
})

test('an event that lay long before it was processed says how long', () => {
  const handled = (at: number): Sketch[] => [
    { id: 'p', service: 'auth', kind: 'producer', name: 'publish', at: [0, 2] },
    { id: 'c', parent: 'p', service: 'feed', kind: 'consumer', name: 'process', at: [at, at + 9] },
  ]
  expect(draw(handled(2_002))).toMatch(/^feed └ process .*\n +waited 2\.00 s$/m)
  expect(draw(handled(22))).not.toContain('waited')
})
