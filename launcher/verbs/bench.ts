import { runProgram } from '../program.ts'

/** Hands over to the benchmarks; they bring up what they measure. */
export function bench(args: string[]): Promise<number> {
  return runProgram(process.execPath, ['loadtests/bench/main.ts', ...args])
}
