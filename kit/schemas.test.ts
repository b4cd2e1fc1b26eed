import { expect, test } from 'vitest'
import { createHealth } from './health.ts'
import { Problem, problemBody } from './problem.ts'
import { health, problem } from './schemas.ts'

test('a problem is described with all that it may say', () => {
  const errors = [{ field: 'bio', message: 'is too long' }]
  const body = problemBody(new Problem(422, 'The body does not fit.', { errors }))
  expect(problem.strict().parse(body)).toEqual(body)
  expect(problem.strict().parse({ ...body, trace_id: 'a'.repeat(32) })).toMatchObject({ errors })
})

test('so is health, at work and in trouble', async () => {
  const { live, ready } = createHealth({
    postgres: async () => {},
    redis: () => Promise.reject(new Error('away')),
  })
  expect(health.strict().parse(live().body)).toEqual({ status: 'ok' })
  const { body } = await ready()
  expect(health.strict().parse(body)).toEqual(body)
})
