import { randomBytes } from 'node:crypto'
import type { Postgres } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import type { Accounts, Entry } from './accounts.ts'
import type { ProviderAccount } from './providers.ts'
import { email as emailAddress } from './schemas.ts'
import { findUserByIdentity } from './store/users.ts'

/** Why nobody came in through a provider; `/auth/error?reason=` says it in words. */
export class ProviderRefusal extends Error {
  override name = 'ProviderRefusal'
  readonly reason: 'state' | 'denied' | 'email' | 'taken'
  constructor(reason: ProviderRefusal['reason']) {
    super(reason)
    this.reason = reason
  }
}

const tries = 5

/**
 * Someone the provider has shown us comes in: whom we know by it, or else a new person.
 * An account that has the same e-mail address is not handed over: nobody has proved that whoever
 * made it owns the address, or else one could wait in it for its owner.
 * @throws ProviderRefusal
 */
export async function enterFrom(
  { accounts, postgres }: { accounts: Accounts; postgres: Postgres },
  provider: string,
  { subject, email, username }: ProviderAccount,
): Promise<Entry> {
  const known = await findUserByIdentity(postgres, provider, subject)
  if (known) return accounts.enter(known, known.roles, provider)
  const address = emailAddress.safeParse(email).data
  if (!address) throw new ProviderRefusal('email')
  const wanted = toUsername(username || address)
  const person = { email: address, username: wanted }
  for (let attempt = 1; ; attempt++) {
    try {
      return await accounts.register(person, { provider, subject })
    } catch (error) {
      const field = error instanceof Problem && error.errors?.[0]?.field
      if (field === 'email') throw new ProviderRefusal('taken')
      if (field !== 'username' || attempt === tries) throw error
      person.username = `${wanted.slice(0, 23)}_${randomBytes(3).toString('hex')}`
    }
  }
}

/** What a provider calls them, made to fit our rules. */
export function toUsername(name: string): string {
  const [local = ''] = name.split('@')
  const plain = local.normalize('NFKD').replace(/[^a-z0-9_.-]+/gi, '_')
  const fitting = plain.replace(/^[^a-z0-9]+/i, '').slice(0, 30)
  return fitting.length >= 3 ? fitting : `${fitting}user`
}
