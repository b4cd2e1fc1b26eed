const text = 0x81

/**
 * A WebSocket frame (RFC 6455) with one Engine.IO message of text, in one buffer: a write for each
 * receiver is what an event to a thousand costs, and a buffer more would be a slower write.
 */
export function frameOf(message: string): Buffer {
  const body = Buffer.from(`4${message}`)
  const { length } = body
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + length)
  frame[0] = text
  if (head === 2) frame[1] = length
  else if (head === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  body.copy(frame, head)
  return frame
}
