import { expect, it } from 'vitest'
import type { Answer } from '../answer.ts'
import { journey } from '../journey.ts'
import { newcomer, resident } from '../person.ts'
import type { TraceSpan } from '../trace.ts'

type Counts = { spans: number; sql: number; redis: number }

/**
 * What each hot request costs, exactly. A number that grows is a decision: change it here when the
 * request is worth it. `sql` counts statements, `redis` round trips, over all services of the trace.
 */
it('hot requests cost what they are meant to cost', async () => {
  const [person, other] = [await resident(), await resident()]
  const table = {
    register: await count(() => newcomer().register()),
    login: await count(() => person.login()),
    'profile read, miss': await count(() => person.get(`/api/users/${person.id}`)),
    'profile read, hit': await count(() => person.get(`/api/users/${person.id}`)),
    follow: await count(() => person.follow(other)),
  }
  expect(table).toEqual({
    register: { spans: 18, sql: 8, redis: 3 },
    login: { spans: 11, sql: 5, redis: 3 },
    'profile read, miss': { spans: 6, sql: 1, redis: 3 },
    'profile read, hit': { spans: 3, sql: 0, redis: 1 },
    follow: { spans: 9, sql: 5, redis: 1 },
  })
})

async function count(act: () => Promise<Answer>): Promise<Counts> {
  const { answer, trace } = await journey('a request that is counted', act)
  expect(answer.status).toBeLessThan(300)
  const spans = await trace.spans()
  return {
    spans: spans.length,
    sql: spans.filter((span) => system(span) === 'postgresql').length,
    redis: spans.filter((span) => system(span) === 'redis').length,
  }
}

function system({ attributes }: TraceSpan): unknown {
  return attributes['db.system.name']?.value
}
