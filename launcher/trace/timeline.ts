export type Interval = { start: number; end: number }

/** Maps microseconds to columns, counted in eighths of a character. */
export type Timeline = {
  columns: number
  /** The column where the answer went out, when work went on after it. */
  answered: number | undefined
  /** Time after the answer is drawn to a smaller scale than time before it. */
  squeezed: boolean
  toEighths(time: number): number
}

const blocks = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const shades = ['░', '▒', '▓']
const fewestEighths = 16
const mostAfterwards = 0.3

/**
 * A time axis over `columns` characters. Work that goes on long after the answer would press the
 * request itself into a corner, so it gets at most three tenths of the axis.
 */
export function createTimeline(
  finished: number,
  answered: number | undefined,
  columns: number,
): Timeline {
  const total = Math.max(finished, 1)
  if (!answered) {
    const toEighths = (time: number) => (clamp(time, total) / total) * columns * 8
    return { columns, answered: undefined, squeezed: false, toEighths }
  }
  const afterwards = (total - answered) / total
  const squeezed = afterwards > mostAfterwards
  const border = Math.max(1, Math.round(columns * (1 - Math.min(afterwards, mostAfterwards))))
  const toEighths = (time: number) =>
    time <= answered
      ? (clamp(time, total) / answered) * border * 8
      : (border + ((clamp(time, total) - answered) / (total - answered)) * (columns - border)) * 8
  return { columns, answered: border, squeezed, toEighths }
}

/** The bar of one row: eighths of a block at the right edge, halves at the left, the answer as ┊. */
export function drawBar(intervals: Interval[], timeline: Timeline): string {
  const cells = new Array<string>(timeline.columns).fill(' ')
  if (timeline.answered !== undefined && timeline.answered < timeline.columns) {
    cells[timeline.answered] = '┊'
  }
  const width = intervals.reduce((sum, { start, end }) => sum + eighths(start, end, timeline), 0)
  if (intervals.length > 1 && width < intervals.length * fewestEighths) {
    drawDensity(cells, intervals, timeline)
  } else for (const { start, end } of intervals) drawInterval(cells, start, end, timeline)
  return cells.join('')
}

function eighths(start: number, end: number, timeline: Timeline): number {
  return timeline.toEighths(end) - timeline.toEighths(start)
}

/** Many bars of less than two characters each cannot be told apart: shades say how busy each moment was. */
function drawDensity(cells: string[], intervals: Interval[], timeline: Timeline): void {
  const covered = new Array<number>(cells.length).fill(0)
  let drawn = 0
  for (const { start, end } of intervals.toSorted((a, b) => a.start - b.start)) {
    const from = Math.min(Math.max(timeline.toEighths(start), drawn), cells.length * 8 - 1)
    const to = Math.max(timeline.toEighths(end), from + 0.5)
    for (let cell = Math.floor(from / 8); cell * 8 < to && cell < cells.length; cell++) {
      covered[cell]! += Math.min(to, cell * 8 + 8) - Math.max(from, cell * 8)
    }
    drawn = Math.max(drawn, to)
  }
  for (const [cell, amount] of covered.entries()) {
    if (amount > 0) cells[cell] = amount > 7.5 ? '█' : shades[Math.floor(amount / 2.6)]!
  }
}

function drawInterval(cells: string[], start: number, end: number, timeline: Timeline): void {
  const last = cells.length * 8
  const from = Math.min(timeline.toEighths(start), last - 1)
  const to = Math.min(Math.max(timeline.toEighths(end), from + 1), last)
  const first = Math.floor(from / 8)
  for (let cell = first; cell * 8 < to - 0.5; cell++) {
    const left = Math.max(0, from - cell * 8)
    const right = Math.min(8, Math.round(to - cell * 8))
    // Of two bars in one cell, the one that fills it stays.
    if (cells[cell] !== '█') cells[cell] = drawCell(left, right)
  }
  if (cells[first] === ' ' || cells[first] === '┊') cells[first] = '▏'
}

/** Blocks grow from the left edge only: a bar that begins inside a cell is half of it, or as short as it is. */
function drawCell(left: number, right: number): string {
  const width = Math.max(1, Math.round(right - left))
  if (left < 4) return right >= 8 ? '█' : blocks[width]!
  return width <= 2 ? '▕' : '▐'
}

function clamp(time: number, total: number): number {
  return Math.min(Math.max(time, 0), total)
}
