import { loadavg } from 'node:os'
import type { Row } from './row.ts'

/** How busy the machine was in the last minute, by all its programs: what a figure is worth. */
export function loadAverage(of: string): Row {
  return {
    name: `load average of the machine, ${of}`,
    value: loadavg()[0] ?? Number.NaN,
    unit: '',
    better: 'lower',
  }
}
