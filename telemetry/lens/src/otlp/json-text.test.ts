import { expect, test } from 'vitest'
import { skipSpace, skipValue } from './json-text.ts'

const texts = [
  '{"a":[1,-0.5e+10,{"b":null}],"c":"\\u00e9\\n\\"","d":{},"e":[],"f":true,"g":false}',
  ' [ 0 , "é" , { "x" : [ ] } ] \n\t\r',
  '"text"',
  '-1.25E-3',
  'null',
]

/** What lens says of a text that it passes whole. */
function isJson(text: string): boolean {
  const bytes = Buffer.from(text)
  try {
    return skipSpace(bytes, skipValue(bytes, skipSpace(bytes, 0))) === bytes.length
  } catch {
    return false
  }
}

function isParsed(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test.each(texts)('%s is passed whole', (text) => {
  expect(isJson(text)).toBe(true)
})

test('every text with a character changed, gone or added is judged as JSON.parse judges it', () => {
  const characters = [...'{}[]",:\\0123.eE+-tfn u\n\u0001é']
  const different = []
  for (const text of texts) {
    for (let at = 0; at <= text.length; at++) {
      const [before, after] = [text.slice(0, at), text.slice(at)]
      const variants = [before, before + after.slice(1)]
      for (const character of characters) {
        variants.push(before + character + after, before + character + after.slice(1))
      }
      different.push(...variants.filter((variant) => isJson(variant) !== isParsed(variant)))
    }
  }
  expect(different).toEqual([])
})

test('depth has an end', () => {
  expect(isJson('['.repeat(201) + ']'.repeat(201))).toBe(true)
  expect(isJson('['.repeat(202) + ']'.repeat(202))).toBe(false)
})
