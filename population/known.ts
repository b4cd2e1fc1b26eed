import type { Person, Plan } from './plan.ts'

/** The ids of a plan's people by their places, and how many follow them and are followed by them. */
export type Known = { ids: string[]; followers: Uint32Array; following: Uint32Array }

export function learn({ people, follows }: Plan): Known {
  const ids = Array.from(people, ({ id }) => id)
  const followers = new Uint32Array(ids.length)
  const following = new Uint32Array(ids.length)
  for (const { follower, followed } of follows) {
    following[follower]! += 1
    followers[followed]! += 1
  }
  return { ids, followers, following }
}

/** Two to log in as: who has the most followers, and the first of the others. */
export function chooseTwo(
  { people }: Plan,
  { followers }: Known,
): { bestKnown: Person; somebody: Person } {
  const most = followers.indexOf(followers.reduce((one, other) => Math.max(one, other), 0))
  return { bestKnown: personAt(people, most), somebody: personAt(people, most === 0 ? 1 : 0) }
}

function personAt(people: Iterable<Person>, wanted: number): Person {
  let place = 0
  for (const person of people) if (place++ === wanted) return person
  throw new RangeError(`the plan has ${place} people`)
}
