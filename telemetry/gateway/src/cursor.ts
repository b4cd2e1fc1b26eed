import { readFile, rename, writeFile } from 'node:fs/promises'
import { z } from 'zod'

const schema = z.object({
  inode: z.number().int().nonnegative(),
  offset: z.number().int().nonnegative(),
  head: z.string(),
})

/**
 * How far the log is acknowledged. `head` is the beginning of the file (latin1, 64 bytes or as many as
 * are acknowledged). Every line begins with ids, so it tells a file from its successor even
 * when the inode is used again, and finds the file's copy after `copytruncate`.
 */
export type Cursor = z.infer<typeof schema>

/** Undefined when there is none yet, or it is not readable: spans sent twice do no harm. */
export async function readCursor(path: string): Promise<Cursor | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

export async function writeCursor(path: string, cursor: Cursor): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(cursor))
  await rename(`${path}.new`, path)
}
