import { describe } from '@clew/telemetry/error'
import { expect, test } from 'vitest'
import { Problem } from './problem.ts'

test('a span tells the detail of a failure of ours, and not what was wrong with what a person sent', () => {
  const away = new Problem(503, 'profile cannot be reached right now. Try again in a moment.')
  expect(describe(away)).toMatchObject({
    'exception.type': 'Problem',
    'exception.message': 'profile cannot be reached right now. Try again in a moment.',
  })
  const refused = new Problem(422, 'Not acceptable: my secret.')
  expect(JSON.stringify(describe(refused))).not.toContain('my secret')
})
