import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

type Package = {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

// npm leaves out packages for other systems when it writes the lockfile with node_modules present, or
// when its registry lacks them; `npm ci` then refuses the lockfile on every machine.
it('locks every dependency, also those that only other systems install', async () => {
  const lockfile = join(import.meta.dirname, '..', 'package-lock.json')
  const packages: Record<string, Package> = JSON.parse(await readFile(lockfile, 'utf8')).packages
  const missing = Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => !isLocked(packages, path, name))
      .map((name) => `${path} needs ${name}`),
  )
  expect(missing).toEqual([])
})

/** As Node looks for a package: in the folder itself, then in each folder above. */
function isLocked(packages: Record<string, Package>, from: string, name: string): boolean {
  const folders = from.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'))
  return ['', ...folders].some((folder) => join(folder, 'node_modules', name) in packages)
}
