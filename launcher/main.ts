import { explain, Refusal } from './refusal.ts'
import { runVerb } from './verbs.ts'

try {
  process.exitCode = await runVerb(process.argv.slice(2))
} catch (thrown) {
  const error = explain(thrown)
  process.stderr.write(error instanceof Refusal ? `${error.message}\n` : `${trace(error)}\n`)
  process.exitCode = 1
}

function trace(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
