import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './platform.ts'
import { Refusal } from './refusal.ts'

export type Options = {
  portOffset: number
  /** Absolute path. */
  state: string
  only: string[] | undefined
  yes: boolean
  full: boolean
  /** What to populate with, as it was written. */
  people: string | undefined
  posts: string | undefined
  shape: string | undefined
  seed: string | undefined
  /** What is no option. */
  words: string[]
}

const known = {
  'port-offset': { type: 'string', default: '0' },
  state: { type: 'string', default: '.clew' },
  only: { type: 'string' },
  yes: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
  people: { type: 'string' },
  posts: { type: 'string' },
  shape: { type: 'string' },
  seed: { type: 'string' },
} as const

const longestOffset = 65_535 - 16_686

/** Reads the words after a verb. @throws Refusal naming the one that is not understood */
export function readOptions(args: string[]): Options {
  const { values, positionals } = parse(args)
  const portOffset = Number(values['port-offset'])
  if (!Number.isInteger(portOffset) || portOffset < 0 || portOffset > longestOffset) {
    throw new Refusal(`--port-offset is a whole number from 0 to ${longestOffset}.`)
  }
  return {
    portOffset,
    state: resolve(root, values.state),
    only: values.only?.split(','),
    yes: values.yes,
    full: values.full,
    people: values.people,
    posts: values.posts,
    shape: values.shape,
    seed: values.seed,
    words: positionals,
  }
}

/** @throws Refusal when there are more words that are no option than the verb reads */
export function refuseWords({ words }: Options, verb: string, read = 0): void {
  const [extra] = words.slice(read)
  if (extra === undefined) return
  const most = read === 0 ? 'options only' : `${read} word and options`
  throw new Refusal(`${verb} takes ${most}, not ${extra}; npm start -- --help lists what there is.`)
}

function parse(args: string[]) {
  try {
    return parseArgs({ args: joinNegative(args), options: known, allowPositionals: true })
  } catch (error) {
    const [reason] = (error as Error).message.split('. ')
    throw new Refusal(`${reason}; npm start -- --help lists what there is.`, { cause: error })
  }
}

/** `--people -5` as `--people=-5`: else -5 would be taken for an option, and the answer be about dashes. */
function joinNegative(args: string[]): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const before = joined.at(-1)
    if (/^-\d/.test(arg) && before && takesValue(before)) joined[joined.length - 1] += `=${arg}`
    else joined.push(arg)
  }
  return joined
}

function takesValue(arg: string): boolean {
  return Object.entries(known).some(([name, { type }]) => type === 'string' && arg === `--${name}`)
}
