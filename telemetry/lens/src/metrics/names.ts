/**
 * Names as the OpenTelemetry Collector's Prometheus exporter writes them, so that dashboards and
 * questions work with either: words of letters, digits and colons joined by single underscores,
 * `_total` at the end of counters, no unit added.
 */
export function metricName(statsdName: string, isCounter: boolean): string {
  const words = wordsOf(statsdName, true)
  const named = isCounter ? [...words.filter((word) => word !== 'total'), 'total'] : words
  const name = named.join('_')
  return startsWithDigit(name) ? `_${name}` : name
}

/** A tag's key as a label: what is neither letter, digit nor underscore becomes an underscore. */
export function labelName(key: string): string {
  let name = ''
  for (const character of key) name += isLabelCharacter(character) ? character : '_'
  if (startsWithDigit(name)) return `key_${name}`
  // Prometheus keeps names that begin with two underscores for itself.
  return name.startsWith('__') ? `key${name}` : name
}

function wordsOf(text: string, allowColon: boolean): string[] {
  const words: string[] = []
  let word = ''
  for (const character of text) {
    if (isLetterOrDigit(character) || (allowColon && character === ':')) word += character
    else if (word) {
      words.push(word)
      word = ''
    }
  }
  if (word) words.push(word)
  return words
}

function isLabelCharacter(character: string): boolean {
  return character === '_' || isLetterOrDigit(character)
}

function isLetterOrDigit(character: string): boolean {
  return (
    (character >= 'a' && character <= 'z') ||
    (character >= 'A' && character <= 'Z') ||
    (character >= '0' && character <= '9')
  )
}

function startsWithDigit(text: string): boolean {
  return text >= '0' && text < ':'
}
