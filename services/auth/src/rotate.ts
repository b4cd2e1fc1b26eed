// `npm run rotate -w services/auth`: a new signing key now. Running instances see it within a minute.
import { chooseSigner, rotateKeys } from './keys.ts'

const folder = process.env.AUTH_KEYS
if (folder) {
  const keys = await rotateKeys(folder, { force: true })
  console.log(`Added ${keys.at(-1)?.kid}; until it signs, ${chooseSigner(keys).kid} does.`)
} else {
  console.error('AUTH_KEYS must name the folder of the signing keys.')
  process.exitCode = 1
}
