import { setTimeout as sleep } from 'node:timers/promises'
import { type MediaWorld, untilMade, upload } from './media-world.ts'

/** Uploads a photo and posts it: from then on everybody may see it, and the gateway keep it. */
export async function postPhoto(world: MediaWorld, photo: Buffer): Promise<string> {
  const { platform, users, driver } = world
  await driver.ask('load', { bytes: photo })
  const poster = users.slice(-1)
  const { ids } = await upload(world, poster, 1)
  const [id = ''] = ids
  await untilMade(platform)
  const answer = await fetch(`${platform.urls.gateway}/api/posts`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${poster[0]?.token}`,
    },
    body: JSON.stringify({ content: 'A photo for everybody.', media_ids: [id] }),
  })
  if (answer.status !== 201) throw new Error(`a post answered ${answer.status}`)
  for (let tries = 0; tries < 100; tries++) {
    const seen = await fetch(`${platform.urls.gateway}/media/${id}/thumb`)
    await seen.arrayBuffer()
    if (seen.status === 200) return id
    await sleep(100)
  }
  throw new Error('a posted photo is not shown to everybody')
}
