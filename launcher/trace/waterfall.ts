import { cut, formatTick, length, pad, padStart } from './format.ts'
import { createPalette, type Palette } from './palette.ts'
import { type Note, type Row, toRows } from './rows.ts'
import { footer, header } from './summary.ts'
import { createTimeline, drawBar, type Timeline } from './timeline.ts'
import type { Tree } from './tree.ts'

export type RenderOptions = {
  /** Characters a line may take, 50 to 160. */
  width: number
  color: boolean
  /** Show every span, also like siblings. */
  full: boolean
}

type Layout = { service: number; name: number; duration: number; timeline: Timeline }

const durationWidth = 7
/** One space after the service and before the duration, two before the bar. */
const gaps = 4
const leastBar = 14
const leastName = 8

/** Draws a trace as text: a summary, one row a span with its bar on a time axis, and what each service did. */
export function render(tree: Tree, { width, color, full }: RenderOptions): string {
  const palette = createPalette(color)
  const rows = toRows(tree, full)
  const layout = createLayout(tree, rows, Math.min(Math.max(width, 50), 160))
  const across = layout.service + layout.name + layout.timeline.columns + layout.duration + gaps
  return [
    ...header(tree, across, palette),
    '',
    axis(layout, tree, palette),
    ...rows.flatMap((row) => drawRow(row, layout, across, palette)),
    '',
    ...footer(tree, rows, across, layout.timeline, palette),
  ]
    .map((line) => line.trimEnd())
    .join('\n')
}

function createLayout(tree: Tree, rows: Row[], width: number): Layout {
  const service = Math.min(
    rows.reduce((most, row) => Math.max(most, length(row.source)), 4),
    12,
  )
  const free = width - service - durationWidth - gaps
  const wanted = rows.reduce((most, row) => Math.max(most, labelWidth(row)), 20)
  // Why something was refused matters more than a long bar.
  const refused = rows.reduce((most, row) => Math.max(most, refusalWidth(row)), 0)
  const fair = Math.max(Math.floor(free * 0.6), free - 60, refused)
  const name = Math.min(wanted, fair, free - leastBar)
  const timeline = createTimeline(tree.finished, tree.answered, free - name)
  return { service, name, duration: durationWidth, timeline }
}

function labelWidth(row: Row): number {
  const system = row.system ? length(row.system) + 3 : 0
  const tag = row.tag ? length(row.tag.text) + 3 : 0
  return row.guides.length * 2 + (row.failed ? 2 : 0) + length(row.name) + system + tag
}

function refusalWidth(row: Row): number {
  return row.tag && /^\d{3} /.test(row.tag.text) ? labelWidth(row) : 0
}

function axis(layout: Layout, tree: Tree, palette: Palette): string {
  const { timeline } = layout
  const cells = new Array<string>(timeline.columns).fill(' ')
  const write = (text: string, at: number) => {
    const start = Math.min(Math.max(at, 0), cells.length - length(text))
    const taken = cells.slice(Math.max(0, start - 1), start + length(text) + 1)
    if (start < 0 || taken.some((cell) => cell !== ' ')) return
    for (const [i, character] of [...text].entries()) cells[start + i] = character
  }
  const end = formatTick(tree.finished)
  write('0', 0)
  if (timeline.answered === undefined) {
    const text = formatTick(tree.finished / 2)
    write(end, cells.length - length(end))
    write(text, Math.floor((cells.length - length(text)) / 2))
  } else {
    const text = formatTick(tree.answered!)
    write(text, timeline.answered - length(text))
    cells[timeline.answered] = '┊'
    write(end, cells.length - length(end))
  }
  return ' '.repeat(layout.service + layout.name + 3) + palette.faint(cells.join('').trimEnd())
}

function drawRow(row: Row, layout: Layout, across: number, palette: Palette): string[] {
  const service = pad(cut(row.source, layout.service), layout.service)
  const bar = drawBar(row.bars, layout.timeline)
  const line = [
    palette.service(row.service, service),
    drawLabel(row, layout.name, palette),
    ` ${colourBar(bar, row, palette)}`,
    padStart(row.duration, layout.duration),
  ].join(' ')
  return [line, ...row.notes.map((note) => drawNote(note, row, layout, across, palette))]
}

function drawLabel(row: Row, width: number, palette: Palette): string {
  const guides = drawGuides(row.guides, width)
  const mark = row.failed ? '✗ ' : ''
  const free = Math.max(1, width - length(guides) - length(mark))
  const spare = free - Math.min(length(row.name), leastName)
  const tag = row.tag ? cut(` · ${row.tag.text}`, spare) : ''
  const system = row.system ? cut(` · ${row.system}`, spare - length(tag)) : ''
  const room = Math.max(1, free - length(system) - length(tag))
  const name = cut(row.name, room)
  const used = length(guides) + length(mark) + length(name + system + tag)
  return [
    palette.faint(guides),
    row.failed ? palette.error(mark + name) : name,
    palette.faint(system),
    row.tag ? palette[row.tag.mood](tag) : '',
    ' '.repeat(Math.max(0, width - used)),
  ].join('')
}

function drawNote(note: Note, row: Row, layout: Layout, across: number, palette: Palette): string {
  const guides = drawGuides(row.noteGuides, layout.name)
  const room = across - layout.service - 1 - length(guides)
  const margin = ' '.repeat(layout.service + 1)
  return margin + palette.faint(guides) + palette[note.mood](cut(note.text, room))
}

/** Keeps at least half of the column for names: of a deep tree only the nearest levels are drawn. */
function drawGuides(guides: string[], width: number): string {
  const most = Math.max(2, Math.floor(width / 4))
  return guides.length <= most ? guides.join('') : ['⋯ ', ...guides.slice(1 - most)].join('')
}

function colourBar(bar: string, row: Row, palette: Palette): string {
  const paint = (text: string) =>
    row.failed ? palette.error(text) : palette.service(row.service, text)
  return bar
    .split('┊')
    .map((piece) => (piece.trim() ? paint(piece) : piece))
    .join(palette.faint('┊'))
}
