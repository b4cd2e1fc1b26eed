const chunkBytes = 1_048_576
const mostWaitingChunks = 16

export type Batch = { spans: number; body: Buffer; chunk: Buffer }

/**
 * Spans as text, one after another in chunks of 1 MB: about a thousand spans each. At most 16 chunks
 * wait; chunks are used again, so a steady process allocates none.
 */
export function createBatches({ head, tail }: { head: string; tail: string }) {
  const free: Buffer[] = []
  const waiting: Batch[] = []
  const headBytes = Buffer.byteLength(head)
  const tailBytes = Buffer.byteLength(tail)
  let chunk = open()
  let at = chunk.write(head)
  let spans = 0
  let out = 0

  function open(): Buffer {
    return free.pop() ?? Buffer.allocUnsafeSlow(chunkBytes)
  }
  function close() {
    at += chunk.write(tail, at)
    waiting.push({ spans, body: chunk.subarray(0, at), chunk })
    chunk = open()
    at = chunk.write(head)
    spans = 0
  }
  return {
    /** False when there is no room for it, now or ever: the span is lost. */
    add(text: string): boolean {
      // A UTF-16 unit takes at most three bytes. The comma and the tail need room as well.
      const most = text.length * 3 + tailBytes + 1
      if (headBytes + most > chunkBytes) return false
      if (at + most > chunkBytes) {
        if (waiting.length + out >= mostWaitingChunks) return false
        close()
      }
      if (spans > 0) at += chunk.write(',', at)
      at += chunk.write(text, at)
      spans++
      return true
    },
    full: () => waiting.length > 0,
    /** The oldest batch, the one being filled included; undefined when nothing waits. */
    take(): Batch | undefined {
      if (waiting.length === 0 && spans > 0) close()
      const batch = waiting.shift()
      if (batch) out++
      return batch
    },
    giveBack({ chunk }: Batch) {
      out--
      if (free.length < 2) free.push(chunk)
    },
  }
}
