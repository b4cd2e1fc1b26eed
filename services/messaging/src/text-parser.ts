import { Decoder, Encoder } from 'socket.io-parser'

/** Refuses binary frames and packets that announce them: nothing here is sent in bytes. */
class TextDecoder extends Decoder {
  /** @throws Error which closes this socket and no other */
  override add(packet: unknown): void {
    if (typeof packet !== 'string' || binary.test(packet)) throw new Error('binary is not accepted')
    super.add(packet)
  }
}

// The packet types BINARY_EVENT and BINARY_ACK.
const binary = /^[56]/

export const textParser = { Encoder, Decoder: TextDecoder }
