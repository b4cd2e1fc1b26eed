import type { Row } from './row.ts'

/** Prints rows as a table: the figure, what it should reach, and whether it does. */
export function printTable(rows: Row[]): void {
  const cells = rows.map((row) => [
    row.name,
    `${figure(row.value)} ${row.unit}`,
    row.aim === undefined
      ? ''
      : `${row.better === 'higher' ? 'at least' : 'at most'} ${figure(row.aim)}`,
    row.aim === undefined ? '' : reaches(row) ? 'yes' : 'NO',
  ])
  const table = [['', 'measured', 'aim', 'reached'], ...cells]
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  )
  for (const [name = '', measured = '', aim = '', reached = ''] of table) {
    const line = [
      name.padEnd(widths[0] ?? 0),
      measured.padStart(widths[1] ?? 0),
      aim.padStart(widths[2] ?? 0),
      reached,
    ]
    console.log(`  ${line.join('  ').trimEnd()}`)
  }
}

function reaches({ value, aim, better }: Row): boolean {
  if (aim === undefined) return true
  return better === 'higher' ? value >= aim : value <= aim
}

function figure(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en-US')
  return value.toLocaleString('en-US', { maximumSignificantDigits: value >= 100 ? 4 : 3 })
}
