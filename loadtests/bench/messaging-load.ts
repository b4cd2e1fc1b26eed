import { type Block, measureBlock } from './blocks.ts'
import type { Sends, Sent } from './messaging-driver.ts'
import type { MessagingWorld } from './messaging-world.ts'

export type Measured = { block: Block; sent: Sent }

/**
 * Has messages sent, and tells what each took.
 * @throws Error when more than one in twenty was refused or lost: the run is void
 */
export async function measureSending(
  { platform, driver }: MessagingWorld,
  sends: Sends,
): Promise<Measured> {
  const sent: Sent[] = []
  const block = await measureBlock(platform, sends.amount, async () => {
    sent.push(await driver.ask<Sent>('send', sends))
  })
  const [only] = sent as [Sent]
  const lost = only.received.filter((ms) => ms === Number.POSITIVE_INFINITY).length
  if (lost > only.received.length / 20) {
    const why = only.refusals[0] ?? 'though none was refused'
    throw new Error(`${lost} of ${only.received.length} did not come, ${why}: the run is void`)
  }
  return { block, sent: only }
}
