import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadEnvFile } from 'node:process'
import { portVariables } from './ports.ts'

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

/** What processes of one service differ in: nobody can set it for all of them at once. */
export const perProcess = ['OTEL_SERVICE_NAME', 'CLEW_INSTANCE']

/**
 * A process's own variables, with what was set instead. A port that was moved is in its own already,
 * and another process may know its port by the same name.
 */
export function overridden(
  own: Record<string, string>,
  settings: Record<string, string> = {},
): Record<string, string> {
  const kept = [...portVariables, ...perProcess].filter((name) => name in own)
  const fixed = Object.fromEntries(kept.map((name) => [name, own[name] ?? '']))
  return { ...own, ...settings, ...fixed }
}
