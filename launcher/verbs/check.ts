import { runProgram } from '../program.ts'

/** Types, then lint and format; both are always run, so that one run shows all there is to mend. */
export async function check(args: string[]): Promise<number> {
  const types = await runProgram('tsc', ['-p', '.'])
  const style = await runProgram('biome', ['check', '.', ...args])
  return types || style
}
