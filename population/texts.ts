import type { Random } from './random.ts'
import { grammar } from './words.ts'

const longestPost = 280

/** One to four sentences, 20 to 280 characters. */
export function writePost(random: Random): string {
  const sentences = 1 + Math.min(2, Math.floor(random.wait() * 1.2))
  let text = say(random, 'sentence')
  for (let more = 1; more < sentences; more++) text = append(text, say(random, 'sentence'))
  if (random.chance(0.2)) text = append(text, say(random, 'ending'))
  return random.chance(0.12) ? append(text, say(random, 'sign')) : text
}

/** One sentence, at most 200 characters. */
export function writeComment(random: Random): string {
  return say(random, 'comment')
}

/** What somebody says who shows a post to others. */
export function writePassingOn(random: Random): string {
  return say(random, 'passing')
}

/** A bio of one line, now and then none. */
export function tellOfSelf(random: Random, town: string): string {
  return say(random, 'self', town)
}

function append(text: string, more: string): string {
  return text.length + 1 + more.length > longestPost ? text : `${text} ${more}`
}

function say(random: Random, name: string, town = ''): string {
  const text = expand(random, name, town)
  // After a full stop a new sentence begins, whatever word it begins with.
  return text.replace(/(^|[.!?] )(\p{Ll})/gu, (_, before, letter) => before + letter.toUpperCase())
}

function expand(random: Random, name: string, town: string): string {
  if (name === 'town') return town
  return random
    .pick(grammar[name]!)
    .replace(/\{(\w+)\}/g, (_, inner) => expand(random, inner, town))
}
