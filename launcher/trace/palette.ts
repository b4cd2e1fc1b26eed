import { Ansis } from 'ansis'

export type Palette = {
  service(name: string, text: string): string
  strong(text: string): string
  faint(text: string): string
  good(text: string): string
  warning(text: string): string
  error(text: string): string
}

/** Legible on dark and on light terminals; red is kept for errors. */
const colours: Record<string, string> = {
  gateway: '#2aa1b3',
  auth: '#a06bd6',
  profile: '#4a9e4f',
  feed: '#d9822b',
  messaging: '#d0609a',
  media: '#a8912a',
  frontend: '#4a86e0',
}
const others = ['#7a8b99', '#6f8f3a', '#b07a4f', '#5a8f8a', '#8a7ad0', '#b5688a']

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
