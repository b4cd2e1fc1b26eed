import { v7 as uuid } from 'uuid'
import type { Answer, Person, Service } from './service.ts'

const start = Date.UTC(2026, 10, 1)

/** People and their posts, put straight into the database: hundreds in a moment, none of them cached. */
export function createVillage(service: Service) {
  let minutes = 0

  /** Ids of so many posts, oldest first, each a minute newer than all before it. */
  async function posts(author: Person, many: number, content = 'words'): Promise<string[]> {
    await service.owner.query(
      `insert into authors (id, username, display_name) values ($1, $2, $2) on conflict do nothing`,
      [author.id, author.username],
    )
    const ids = Array.from({ length: many }, () => uuid({ msecs: start + 60_000 * minutes++ }))
    await service.owner.query(
      `insert into posts (id, user_id, content) select id, $2, $3 from unnest($1::uuid[]) id`,
      [ids, author.id, content],
    )
    return ids
  }

  /** The pages of a list, followed by their cursors to the end. */
  async function walk(path: string, person: Person, between = async () => {}): Promise<Answer[]> {
    const pages: Answer[] = []
    let cursor = ''
    for (;;) {
      const joint = path.includes('?') ? '&' : '?'
      const page = await service.ask('GET', path + (cursor && `${joint}cursor=${cursor}`), {
        token: person.token,
      })
      pages.push(page)
      cursor = page.body.next_cursor
      if (!cursor) return pages
      await between()
    }
  }

  return {
    posts,
    walk,
    /** Whom this person follows, as profile tells it from now on. */
    follow(reader: Person, followed: Person[]): void {
      service.profile.following.set(
        reader.id,
        followed.map(({ id }) => id),
      )
    },
    read: (reader: Person, query = ''): Promise<Answer> =>
      service.ask('GET', `/api/timeline/${reader.id}${query}`, { token: reader.token }),
  }
}

export function idsOf(...pages: Answer[]): string[] {
  return pages.flatMap((page) => page.body.posts.map(({ id }: { id: string }) => id))
}

export function cacheOf(answer: Answer): string | null {
  return answer.headers.get('x-cache')
}
