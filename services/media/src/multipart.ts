import type { IncomingHttpHeaders } from 'node:http'
import { pipeline, type Readable } from 'node:stream'
import { Problem } from '@clew/kit/problem'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'

/** What forms may hold beside the file, which is ignored. */
export const formBytesAtMost = 64 * 1024
const limits = {
  files: 1,
  fields: 16,
  parts: 17,
  fieldNameSize: 200,
  fieldSize: 2_048,
  headerPairs: 32,
  headerSize: 8_192,
}

/** `whole` resolves when the body ended as a form does, with no other file in it. */
export type FilePart = { stream: AsyncIterable<Buffer>; whole: Promise<void> }

export function isMultipart(headers: IncomingHttpHeaders): boolean {
  return /^multipart\/form-data\b/i.test(headers['content-type'] ?? '')
}

/**
 * The one file of a form. Its name is never looked at.
 * @throws Problem 400 for what is no form, 422 for a form without a file or with more than one
 */
export async function openFilePart(
  headers: IncomingHttpHeaders,
  body: Readable,
): Promise<FilePart> {
  const parser = openParser(headers)
  const found = Promise.withResolvers<FilePart>()
  const whole = Promise.withResolvers<void>()
  // A failure is met by whoever waits; the other promise may have nobody.
  whole.promise.catch(() => {})
  let file: Readable | undefined

  function refuse(problem: Error) {
    found.reject(problem)
    whole.reject(problem)
    file?.destroy(problem)
    body.destroy()
  }
  parser.on('file', (_field, stream) => {
    file = stream
    // Whoever reads it meets the error; it may come when nobody does.
    stream.on('error', () => {})
    found.resolve({ stream: read(stream), whole: whole.promise })
  })
  parser.on('filesLimit', () => refuse(onlyOne('A form must hold one file only.')))
  parser.on('fieldsLimit', () => refuse(onlyOne('The form has too many fields.')))
  parser.on('partsLimit', () => refuse(onlyOne('The form has too many parts.')))
  pipeline(body, parser, (error) => {
    if (error) refuse(error instanceof Problem ? error : broken())
    else if (!file) refuse(onlyOne('The form holds no file.'))
    else whole.resolve()
  })
  return found.promise
}

/** A part that ends too early fails with an error of the parser's own. */
async function* read(file: Readable): AsyncGenerator<Buffer> {
  try {
    yield* file
  } catch (error) {
    throw error instanceof Problem ? error : broken()
  }
}

function openParser(headers: IncomingHttpHeaders) {
  try {
    return new Busboy({ headers: headers as BusboyHeaders, limits })
  } catch {
    throw broken()
  }
}

function broken(): Problem {
  return new Problem(400, 'The body is not a whole multipart/form-data.')
}

function onlyOne(detail: string): Problem {
  return new Problem(422, detail)
}
