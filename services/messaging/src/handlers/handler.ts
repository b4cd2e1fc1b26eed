import type { z } from 'zod'
import type { LiveSocket } from '../connections.ts'

/** What one event of a client means: its shape, and what is done. What comes back is acknowledged. */
export type Handler<Schema extends z.ZodType = z.ZodType> = {
  schema: Schema
  /** Its answer is all it is for, so it is refused without an acknowledgement. */
  answers?: true
  /** @throws Problem */
  handle(socket: LiveSocket, input: z.infer<Schema>): Promise<object>
}
