import { password } from '@clew/population/login'
import { fillVillage, findVillagers } from '@clew/population/village'
import type { Databases } from '@clew/population/write'
import { adminUrl } from './postgres.ts'
import type { Row } from './processes.ts'

/** A step for those who come to look around; tests and benchmarks begin with nobody. */
export const villageRow: Row = {
  name: 'village',
  needs: ['auth-tables', 'profile-tables', 'feed-tables'],
  prepare: async ({ ports, password }) => {
    await fillVillage(populatedDatabases(adminUrl(ports.postgres, password)))
  },
}

/** Where people are written, given the administrator's way to the server. */
export function populatedDatabases(postgres: string): Databases {
  const at = (name: string) => new URL(`/${name}`, postgres).href
  return { auth: at('auth'), profile: at('profile'), feed: at('feed') }
}

/** Who of the village can log in, and how to load a timeline; nothing where there is no village. */
export async function describeVillage(gateway: string, postgres: string): Promise<string> {
  const villagers = await findVillagers(populatedDatabases(postgres).auth)
  if (!villagers) return ''
  const { bestKnown, somebody } = villagers
  const login = JSON.stringify({ email: somebody, password })
  return `
People live here. Log in as ${bestKnown}, whom everybody follows,
or as ${somebody}, with the password "${password}", and load a timeline:

  me=$(curl -s ${gateway}/api/auth/login -H 'content-type: application/json' -d '${login}')
  curl -s ${gateway}/api/timeline/$(node -p "($me).user.id") -H "authorization: Bearer $(node -p "($me).token")"
`
}
