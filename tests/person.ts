import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { type Answer, type Asking, ask } from './answer.ts'
import { baggageOfTest } from './baggage.ts'
import { note } from './notes.ts'
import { createPhone, type Phone, type PhoneOptions } from './phone.ts'
import { readPlatform } from './platform.ts'

export type Person = {
  readonly email: string
  readonly username: string
  readonly password: string
  /** Where they seem to be. */
  readonly address: string
  /** Known once registered. */
  id: string
  /** The newest access token and refresh token, empty while there is none. */
  token: string
  refreshToken: string
  /** Through the gateway, as this person: address, baggage and, once there is one, token. */
  get(path: string, headers?: Asking['headers']): Promise<Answer>
  post(path: string, body?: unknown, headers?: Asking['headers']): Promise<Answer>
  patch(path: string, body?: unknown, headers?: Asking['headers']): Promise<Answer>
  delete(path: string, headers?: Asking['headers']): Promise<Answer>
  register(): Promise<Answer>
  login(): Promise<Answer>
  follow(other: Person): Promise<Answer>
  unfollow(other: Person): Promise<Answer>
  /** Writes a post; of its own invention when no words are given. */
  write(content?: string): Promise<Answer>
  /** Their own timeline. `query` as behind the question mark. */
  timeline(query?: string): Promise<Answer>
  like(post: string): Promise<Answer>
  unlike(post: string): Promise<Answer>
  comment(post: string, content?: string): Promise<Answer>
  share(post: string, content?: string): Promise<Answer>
  upload(bytes: Uint8Array, contentType?: string): Promise<Answer>
  /** Over HTTP; of their own invention when no words are given. */
  message(to: Person, words?: string): Promise<Answer>
  conversations(query?: string): Promise<Answer>
  /** The messages of a conversation, newest first. */
  history(conversation: string, query?: string): Promise<Answer>
  /** A phone of theirs, which is connected. @throws Error when it is refused */
  phone(options?: PhoneOptions): Promise<Phone>
}

/** Somebody whom Clew does not know yet. */
export function newcomer(): Person {
  const tag = randomBytes(6).toString('hex')
  // The range reserved for measurements, so that an address that leaks can be told from our own.
  const address = `198.18.${randomInt(1, 255)}.${randomInt(1, 255)}`
  const person: Person = {
    email: `person-${tag}@mail.example`,
    username: `person_${tag}`,
    password: `Secret-${randomBytes(9).toString('base64url')}7!`,
    address,
    id: '',
    token: '',
    refreshToken: '',
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body, headers) => send('POST', path, body, headers),
    patch: (path, body, headers) => send('PATCH', path, body, headers),
    delete: (path, headers) => send('DELETE', path, undefined, headers),
    register() {
      const { email, username, password } = person
      return person.post('/api/auth/register', { email, username, password })
    },
    login() {
      const { email, password } = person
      return person.post('/api/auth/login', { email, password })
    },
    follow: (other) => person.post(`/api/users/${other.id}/follow`),
    unfollow: (other) => person.delete(`/api/users/${other.id}/follow`),
    write: (content = invented('A post')) => person.post('/api/posts', { content }),
    timeline: (query) => person.get(`/api/timeline/${person.id}${query ? `?${query}` : ''}`),
    like: (post) => person.post(`/api/posts/${post}/like`),
    unlike: (post) => person.delete(`/api/posts/${post}/like`),
    comment: (post, content = invented('A comment')) =>
      person.post(`/api/posts/${post}/comments`, { content }),
    share: (post, content) => person.post(`/api/posts/${post}/share`, content ? { content } : {}),
    upload: (bytes, type = 'application/octet-stream') =>
      person.post('/api/media', bytes, { 'content-type': type }),
    message: (to, body = invented('A message')) =>
      person.post('/api/messages', { to: to.id, body, client_id: randomUUID() }),
    conversations: (query) => person.get(`/api/messages/conversations${query ? `?${query}` : ''}`),
    history: (id, query) => person.get(`/api/messages/${id}${query ? `?${query}` : ''}`),
    async phone(options) {
      const phone = createPhone(person, options)
      const { status, body } = await phone.connect()
      if (status !== 200) throw new Error(`refused: ${status} ${JSON.stringify(body)}`)
      return phone
    },
  }
  note(...[person.email, person.username, person.password, address].map((secret) => ({ secret })))

  async function send(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    headers: Asking['headers'],
  ): Promise<Answer> {
    note(...secretsIn(path, body))
    const answer = await ask(readPlatform().urls.gateway + path, {
      method,
      body,
      headers: {
        'x-forwarded-for': address,
        baggage: baggageOfTest(),
        ...(person.token && { authorization: `Bearer ${person.token}` }),
        ...headers,
      },
    })
    learn(answer)
    return answer
  }
  function learn({ body }: Answer) {
    if (typeof body?.token === 'string') person.token = body.token
    if (typeof body?.refresh_token === 'string') person.refreshToken = body.refresh_token
    if (typeof body?.user?.id === 'string') person.id = body.user.id
    note(...[body?.token, body?.refresh_token].filter(Boolean).map((secret) => ({ secret })))
  }
  return person
}

/** A person who is already registered, and has a token. */
export async function resident(): Promise<Person> {
  const person = newcomer()
  const { status, body } = await person.register()
  if (status !== 201) throw new Error(`not registered: ${status} ${JSON.stringify(body)}`)
  return person
}

/** Words that nobody else has written, so that they can be told wherever they turn up. */
export function invented(what: string): string {
  return `${what} about ${randomBytes(6).toString('hex')}`
}

// What a browser is sent back with names the issuer, which is ours.
const ours = /^http:\/\/127\.0\.0\.1:/
const uuid = /^[0-9a-f-]{36}$/

// What there is to choose from is no secret.
const choices = ['order']

/** Whatever a person typed: each text of a body and each value of a query, but ids. */
function secretsIn(path: string, body: unknown): { secret: string }[] {
  const query = [...new URL(path, 'http://gateway').searchParams]
  const asked = query.flatMap(([name, value]) => (choices.includes(name) ? [] : value))
  return [...asked, ...textsIn(body)]
    .filter((text) => text.length >= 6 && !uuid.test(text) && !ours.test(text))
    .map((secret) => ({ secret: secret.slice(0, 200) }))
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return []
  return Object.values(value).flatMap(textsIn)
}
