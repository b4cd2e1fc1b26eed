import { expect, test } from 'vitest'
import type { EndedSpan } from './ended-span.ts'
import { describe as describeError, failSpan } from './error.ts'
import { createRecorder } from './recorder.ts'

test('an exception is recorded where it was met first; spans above are marked only', () => {
  const ended: EndedSpan[] = []
  const recorder = createRecorder({ ended: (span) => ended.push(span), inherited: () => undefined })
  const tracer = recorder.getTracer('test')
  const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  for (const name of ['below', 'above']) {
    const span = tracer.startSpan(name)
    failSpan(span, error)
    span.end()
  }
  const [below, above] = ended
  expect(below?.events.map((event) => event.attributes['exception.type'])).toEqual(['ECONNREFUSED'])
  expect(above?.events).toEqual([])
  for (const span of ended) {
    expect(span).toMatchObject({
      status: { code: 2 },
      attributes: { 'error.type': 'ECONNREFUSED' },
    })
  }
})

test('what a person typed stays out, though a message quotes it', () => {
  const quoted = Object.assign(new Error('invalid input syntax: "my secret"'), { code: '22P02' })
  expect(JSON.stringify(describeError(quoted))).not.toContain('my secret')
})
