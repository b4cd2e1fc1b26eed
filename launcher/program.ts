import { constants } from 'node:os'
import { execa } from 'execa'
import { root } from './platform.ts'

/** Runs a program on our own terminal. @returns its exit code, as a shell would give it */
export async function runProgram(
  file: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<number> {
  const { exitCode, signal } = await execa(file, args, {
    cwd: root,
    env,
    stdio: 'inherit',
    preferLocal: true,
    localDir: root,
    reject: false,
  })
  return exitCode ?? 128 + (signal ? constants.signals[signal as NodeJS.Signals] : 0)
}
