import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadEnvFile } from 'node:process'

/** The names that `.env.example` lists; it is the one list of variables a person may set. */
export async function readVariableNames(root: string): Promise<string[]> {
  const text = await readFile(join(root, '.env.example'), 'utf8')
  return [...text.matchAll(/^#? ?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name ?? '')
}

/**
 * What a person has set, in `.env` or in the shell (which wins), of the variables there are.
 */
export async function readOverrides(root: string): Promise<Record<string, string>> {
  try {
    loadEnvFile(join(root, '.env'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const names = await readVariableNames(root)
  const set = names.flatMap((name) => {
    const value = process.env[name]
    return value ? [[name, value]] : []
  })
  return Object.fromEntries(set)
}
