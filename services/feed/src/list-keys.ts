/** `timeline`: what those say whom a person follows, and the person. `author`: a person's own posts. */
export type ListKind = 'timeline' | 'author'

export function keyOf(kind: ListKind, id: string): string {
  return `feed:${kind}:${id}`
}

/** With a timeline go the celebrities that are merged into it. */
export function keysOf(kind: ListKind, id: string): string[] {
  return kind === 'timeline' ? [keyOf(kind, id), `feed:celebrities:${id}`] : [keyOf(kind, id)]
}
