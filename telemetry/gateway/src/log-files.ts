import { type FileHandle, open, readdir, rename, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Cursor } from './cursor.ts'

export type LogFile = { path: string; inode: number }

const headBytes = 64

/**
 * The log's files, oldest first and the one being written last. Rotated ones are `name.1`, `name-20261121`,
 * as both logrotate and this process call them; compressed ones are not read.
 */
export async function listFiles(path: string): Promise<LogFile[]> {
  const name = basename(path)
  const siblings = await readdir(dirname(path)).catch(() => [])
  const rotated = siblings.filter(
    (sibling) => sibling.startsWith(name) && /^[.-]\d+$/.test(sibling.slice(name.length)),
  )
  const older = await Promise.all(rotated.map((sibling) => describe(join(dirname(path), sibling))))
  const live = await describe(path)
  return [...older.filter((file) => !!file).sort((a, b) => a.written - b.written), live].filter(
    (file) => !!file,
  )
}

/** The file a cursor speaks of: by its inode, else a copy of it, with all that was acknowledged. */
export async function findFile(files: LogFile[], cursor: Cursor): Promise<LogFile | undefined> {
  const sameInode = files.filter((file) => file.inode === cursor.inode)
  const others = cursor.head ? files.filter((file) => file.inode !== cursor.inode) : []
  for (const file of [...sameInode, ...others]) {
    await using handle = await open(file.path)
    if (await holds(handle, cursor)) return file
  }
  return undefined
}

/** Whether a file still has what the cursor says was read of it. */
export async function holds(handle: FileHandle, cursor: Cursor): Promise<boolean> {
  const { size } = await handle.stat()
  return size >= cursor.offset && (await readHead(handle, cursor.offset)).startsWith(cursor.head)
}

/** The first bytes, of at most `offset`. */
export async function readHead(handle: FileHandle, offset: number): Promise<string> {
  const length = Math.min(headBytes, offset)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0)
  return buffer.toString('latin1', 0, bytesRead)
}

export async function inodeOf(path: string): Promise<number | undefined> {
  return (await describe(path))?.inode
}

/**
 * Moves the log aside as `.1` and tells NGINX to open it anew. What it still writes to the old file
 * until it does is read from there. When a former call died in between, only the telling is left.
 * @throws Error when `nginx` is no process id; nothing is moved then
 */
export async function rotate(path: string, inode: number, nginx: number): Promise<void> {
  // Number 0 would be this process and all its group, -1 everyone.
  if (!Number.isInteger(nginx) || nginx <= 1) throw new Error('nginx.pid names no process')
  const live = await inodeOf(path)
  if (live !== undefined && live !== inode) return
  if (live === inode) await rename(path, `${path}.1`)
  process.kill(nginx, 'SIGUSR1')
}

async function describe(path: string): Promise<(LogFile & { written: number }) | undefined> {
  try {
    const { ino, mtimeMs } = await stat(path)
    return { path, inode: ino, written: mtimeMs }
  } catch {
    return undefined
  }
}
