export const idLength = 36
/** What an id looks like, in lower case. */
export const idForm = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/**
 * Ids as one text, with a space between them: of ten thousand, an array costs more to parse and to
 * put together again than everything else that is done with them.
 */
export function countIds(text: string): number {
  return Math.ceil(text.length / (idLength + 1))
}

/** Ids that stand one after the other with nothing between them. */
export function separateIds(joined: string): string[] {
  return joined.match(/.{36}/g) ?? []
}

/** Ids with a space between them, in texts of up to `most` each. */
export function* splitIds(text: string, most: number): Generator<string> {
  const width = most * (idLength + 1)
  for (let at = 0; at < text.length; at += width) yield text.slice(at, at + width - 1)
}
