/** The launcher cannot go on. The message is one sentence for a person: what is wrong and what to do. */
export class Refusal extends Error {
  override name = 'Refusal'
}

/** Turns what the system says about a full disk into a Refusal; gives anything else back as it came. */
export function explain(thrown: unknown): unknown {
  const { code, path } = thrown as { code?: string; path?: string }
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return thrown
  const where = path ? ` that holds ${path}` : ''
  return new Refusal(`The disk${where} is full: free some space, then run this again.`, {
    cause: thrown,
  })
}
