/** One line of what `npm run bench` prints: a figure, and where there is one, what it should reach. */
export type Row = {
  name: string
  value: number
  unit: string
  aim?: number
  better: 'higher' | 'lower'
}
