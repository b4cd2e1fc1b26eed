import { Ansis } from 'ansis'

export type Palette = {
  service(name: string, text: string): string
  strong(text: string): string
  faint(text: string): string
  good(text: string): string
  warning(text: string): string
  error(text: string): string
}

/**
 * Of the 256 colours every terminal has, some with a contrast of 3.3 to 1 or more against both
 * black and white; red is kept for errors.
 */
const colours: Record<string, string> = {
  gateway: '#0087af',
  auth: '#875fd7',
  profile: '#008700',
  feed: '#d75f00',
  messaging: '#d75faf',
  media: '#af8700',
  frontend: '#0087ff',
}
const others = ['#5f87af', '#878700', '#af5f5f', '#5f8787', '#8787af', '#af5f87']

/** Colours for a terminal; each returns its text unchanged when `enabled` is false. */
export function createPalette(enabled: boolean): Palette {
  const detected = new Ansis().level
  // A terminal of which nothing is known has had 256 colours for twenty years.
  const ansis = new Ansis(enabled ? Math.max(detected, 2) : 0)
  return {
    service: (name, text) => ansis.hex(colours[name] ?? others[hash(name) % others.length]!)(text),
    strong: (text) => ansis.bold(text),
    faint: (text) => ansis.dim(text),
    good: (text) => ansis.green(text),
    warning: (text) => ansis.yellow(text),
    error: (text) => ansis.redBright(text),
  }
}

function hash(text: string): number {
  let sum = 7
  for (const character of text) sum = (sum * 31 + character.charCodeAt(0)) >>> 0
  return sum
}
