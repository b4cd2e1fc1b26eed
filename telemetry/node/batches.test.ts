import { expect, test } from 'vitest'
import { createBatches } from './batches.ts'

const envelope = { head: '[', tail: ']' }

test('spans are sent in order, separated by commas, within the envelope', () => {
  const batches = createBatches(envelope)
  for (const text of ['1', '"zwölf"', '3']) expect(batches.add(text)).toBe(true)
  const batch = batches.take()
  expect(batch?.spans).toBe(3)
  expect(batch?.body.toString()).toBe('[1,"zwölf",3]')
  expect(batches.take()).toBeUndefined()
})

test('a span too large for any batch is refused and spoils none', () => {
  const batches = createBatches(envelope)
  expect(batches.add('1')).toBe(true)
  expect(batches.add(`"${'x'.repeat(400_000)}"`)).toBe(false)
  expect(batches.add('2')).toBe(true)
  expect(batches.take()?.body.toString()).toBe('[1,2]')
})

test('what waits is bounded, and there is room again once it was sent', () => {
  const batches = createBatches(envelope)
  const span = `"${'x'.repeat(100_000)}"`
  let taken = 0
  while (batches.add(span)) taken++
  const waiting = [batches.take()]
  expect(batches.add(span)).toBe(false)
  for (const batch of waiting) if (batch) batches.giveBack(batch)
  expect(batches.add(span)).toBe(true)
  let sent = waiting[0]?.spans ?? 0
  for (let batch = batches.take(); batch; batch = batches.take()) sent += batch.spans
  expect(sent).toBe(taken + 1)
})
