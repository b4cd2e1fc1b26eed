import { expect } from 'vitest'

/** What makes the traces of a test easy to find. */
export function baggageOfTest(): string {
  const name = expect.getState().currentTestName ?? 'preparation'
  return `clew.synthetic=true,clew.run=${name.replace(/[^\w.:~-]+/g, '-').slice(0, 100)}`
}
