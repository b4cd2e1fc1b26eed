import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import type { Codec } from './codec.ts'
import { toJsonShape } from './wire.ts'

const { root } = protobuf.parse(readFileSync(new URL('./otlp.proto', import.meta.url), 'utf8'))
const tracesData = root.lookupType('otlp.TracesData')
const tracesAnswer = root.lookupType('otlp.TracesAnswer')
const refusal = root.lookupType('otlp.Refusal')

export const protobufCodec: Codec = {
  contentType: 'application/x-protobuf',
  toJson: (body) => Buffer.from(JSON.stringify(toJsonShape(tracesData.decode(body)))),
  success(rejected, reason) {
    if (rejected === 0) return Buffer.alloc(0)
    const partialSuccess = { rejectedSpans: rejected, errorMessage: reason }
    return encode(tracesAnswer, { partialSuccess })
  },
  failure: (message) => encode(refusal, { message }),
}

function encode(type: protobuf.Type, fields: object): Buffer {
  return Buffer.from(type.encode(type.create(fields)).finish())
}
