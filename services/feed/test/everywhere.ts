import type { Answer, Person, Service } from './service.ts'

/** A post as its author finds it by itself, on their page and in their timeline; undefined where it is not. */
export async function readEverywhere(service: Service, { id, token }: Person, postId: string) {
  const [single, page, timeline] = await Promise.all([
    service.ask('GET', `/api/posts/${postId}`, { token }),
    service.ask('GET', `/api/posts/user/${id}`, { token }),
    service.ask('GET', `/api/timeline/${id}`, { token }),
  ])
  return { single, page: findPost(page, postId), timeline: findPost(timeline, postId) }
}

function findPost(answer: Answer, postId: string) {
  return answer.body.posts.find((post: { id: string }) => post.id === postId)
}
