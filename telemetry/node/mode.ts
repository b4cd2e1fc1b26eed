/**
 * How much is traced, from `CLEW_TELEMETRY`:
 * `lean` our own spans at the edges that matter; `auto` the community's automatic
 * instrumentations instead of ours; `off` none, so that the difference can be measured.
 */
export type Mode = 'lean' | 'auto' | 'off'

const modes: readonly string[] = ['lean', 'auto', 'off']

export const mode: Mode = readMode(process.env.CLEW_TELEMETRY)

/** @throws Error when the value is set and is none of the three */
export function readMode(value: string | undefined): Mode {
  if (!value) return 'lean'
  if (modes.includes(value)) return value as Mode
  throw new Error(`CLEW_TELEMETRY is "${value}"; it must be lean, auto or off`)
}
