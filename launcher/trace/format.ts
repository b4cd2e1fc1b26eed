/**
 * A duration in microseconds as three significant digits and a unit; at most seven characters.
 * @param coarse it was measured in whole milliseconds: no digits are shown that nobody knows
 */
export function formatDuration(microseconds: number, coarse = false): string {
  if (coarse && microseconds < 999_500) {
    return microseconds < 500 ? '<1 ms' : `${Math.round(microseconds / 1_000)} ms`
  }
  if (microseconds < 999.5) return `${Math.round(microseconds)} µs`
  if (microseconds < 999_500) return `${threeDigits(microseconds / 1_000)} ms`
  if (microseconds < 999_500_000) return `${threeDigits(microseconds / 1_000_000)} s`
  return `${Math.round(microseconds / 60_000_000)} min`
}

/** A place on the time axis: exact, so zeros at its end say nothing. */
export function formatTick(microseconds: number): string {
  return formatDuration(microseconds).replace(
    /(\.\d*?)0+ /,
    (_, kept) => `${kept === '.' ? '' : kept} `,
  )
}

/** "3.10–9.82 ms": the unit is said once where both ends share it. */
export function formatRange(low: number, high: number, coarse = false): string {
  const [from, to] = [formatDuration(low, coarse), formatDuration(high, coarse)]
  if (from === to) return from
  const [number, unit] = from.split(' ')
  return to.endsWith(` ${unit}`) ? `${number}–${to}` : `${from}–${to}`
}

/** "1 span", "12 spans". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Cuts text to a number of characters, the last one an ellipsis where something was cut. */
export function cut(text: string, width: number): string {
  const characters = [...text]
  if (characters.length <= width) return text
  return width < 1
    ? ''
    : `${characters
        .slice(0, width - 1)
        .join('')
        .trimEnd()}…`
}

/** Characters as a terminal counts them, as long as none is of double width. */
export function length(text: string): number {
  return [...text].length
}

export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - length(text)))
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - length(text))) + text
}

function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2)
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0)
}
