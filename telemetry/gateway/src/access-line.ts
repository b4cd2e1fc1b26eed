const fields = [
  'trace',
  'span',
  'parent',
  'flags',
  'end',
  'took',
  'method',
  'route',
  'path',
  'protocol',
  'status',
  'bytes',
  'upstream',
  'connect',
  'header',
  'response',
  'cache',
  'agent',
  'baggage',
] as const

/** A request as NGINX logs it (`log_format spans`): all text, empty where NGINX knows nothing. */
export type AccessLine = Record<(typeof fields)[number], string>

const traceId = /^[0-9a-f]{32}$/
const spanId = /^[0-9a-f]{16}$/
const whole = /^\d+$/
/** How NGINX writes a time or a duration. */
export const seconds = /^\d+\.\d{3}$/

/** Reads one line; undefined when it is not one that NGINX wrote whole. */
export function readLine(text: string): AccessLine | undefined {
  const line = parseJson(text)
  if (typeof line !== 'object' || line === null || !hasAllFields(line)) return undefined
  const readable =
    traceId.test(line.trace) &&
    spanId.test(line.span) &&
    (line.parent === '' || spanId.test(line.parent)) &&
    seconds.test(line.end) &&
    seconds.test(line.took) &&
    whole.test(line.status) &&
    whole.test(line.bytes)
  return readable ? line : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function hasAllFields(line: object): line is AccessLine {
  return fields.every((field) => typeof (line as Partial<AccessLine>)[field] === 'string')
}
