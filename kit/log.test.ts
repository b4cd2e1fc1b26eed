import { expect, test } from 'vitest'
import { describeError } from './log.ts'

test('what Postgres and parsers quote stays out of the log; kind and place stay in', () => {
  const taken = Object.assign(new Error('Key (email)=(ann@example.test) already exists'), {
    code: '23505',
    severity: 'ERROR',
    detail: 'Key (email)=(ann@example.test) already exists.',
  })
  const told = describeError(new Error('registration failed', { cause: taken }))
  expect(JSON.stringify(told)).not.toContain('ann@')
  expect(told).toMatchObject({ message: 'registration failed', cause: { code: '23505' } })
})

test('our own mistakes are told in full', () => {
  expect(describeError(new TypeError('x is not a function'))).toMatchObject({
    type: 'TypeError',
    message: 'x is not a function',
    stack: expect.arrayContaining([expect.stringContaining('log.test.ts')]),
  })
})
