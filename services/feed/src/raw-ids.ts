/** Ids as lists in Redis hold them: the 16 bytes of each UUID, one after the other. */
export function toRaw(ids: string[]): Buffer {
  return Buffer.from(ids.join('').replaceAll('-', ''), 'hex')
}

export function fromRaw(raw: Buffer): string[] {
  const hex = raw.toString('hex')
  const ids: string[] = []
  for (let at = 0; at < hex.length; at += 32) {
    ids.push(
      `${hex.slice(at, at + 8)}-${hex.slice(at + 8, at + 12)}-${hex.slice(at + 12, at + 16)}-${hex.slice(at + 16, at + 20)}-${hex.slice(at + 20, at + 32)}`,
    )
  }
  return ids
}
