import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { schema as auth } from '../services/auth/src/config.ts'
import { schema as feed } from '../services/feed/src/config.ts'
import { schema as media } from '../services/media/src/config.ts'
import { schema as messaging } from '../services/messaging/src/config.ts'
import { schema as profile } from '../services/profile/src/config.ts'
import { schema as gateway } from '../telemetry/gateway/src/config.ts'
import { schema as lens } from '../telemetry/lens/src/config.ts'
import { readVariableNames } from './environment.ts'
import { portVariables } from './ports.ts'

const root = join(import.meta.dirname, '..')
const all = [auth, profile, feed, messaging, media, gateway, lens]

describe('.env.example', () => {
  it('lists every variable that is read anywhere, and no other', async () => {
    const schemas = all.flatMap(({ shape }) => Object.keys(shape))
    const read = new Set([
      ...schemas,
      ...portVariables,
      ...(await namesIn('nginx/nginx.conf.template', /\$\{([A-Z][A-Z0-9_]*)\}/g)),
      ...(await namesInFolder('telemetry/node')),
      ...(await namesInFolder('kit')),
    ])
    expect((await readVariableNames(root)).toSorted()).toEqual([...read].toSorted())
  })

  it('shows the defaults of the schemas', async () => {
    const text = await readFile(join(root, '.env.example'), 'utf8')
    for (const { shape } of all) {
      for (const [name, field] of Object.entries(shape)) {
        const byDefault = field.safeParse(undefined)
        if (byDefault.success && byDefault.data !== undefined) {
          expect(text).toContain(`\n# ${name}=${byDefault.data}\n`)
        }
      }
    }
  })
})

async function namesInFolder(folder: string): Promise<string[]> {
  const files = (await readdir(join(root, folder))).filter((file) => file.endsWith('.ts'))
  const sources = files.filter((file) => !file.endsWith('.test.ts'))
  const read = sources.map((file) => namesIn(join(folder, file), /\benv\.([A-Z][A-Z0-9_]*)/g))
  return (await Promise.all(read)).flat()
}

async function namesIn(file: string, pattern: RegExp): Promise<string[]> {
  const text = await readFile(join(root, file), 'utf8')
  return [...text.matchAll(pattern)].map(([, name]) => name ?? '')
}
