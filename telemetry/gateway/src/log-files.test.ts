import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { rotate } from './log-files.ts'

test.each(['', '0', '1', '-1', 'x'])(
  'with "%s" in nginx.pid nothing is moved or told',
  async (pid) => {
    const folder = await mkdtemp(join(tmpdir(), 'log-files-'))
    const path = join(folder, 'access.log')
    await writeFile(path, 'a line\n')
    // It would reach this process too: 0 is the whole group.
    using kill = vi.spyOn(process, 'kill').mockReturnValue(true)
    await expect(rotate(path, (await stat(path)).ino, Number(pid))).rejects.toThrow('no process')
    expect(kill).not.toHaveBeenCalled()
    expect(await readdir(folder)).toEqual(['access.log'])
    await rm(folder, { recursive: true })
  },
)
