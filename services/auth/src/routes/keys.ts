import type { Router } from 'express'
import type { AppDeps } from '../app.ts'

export function keyRoutes(router: Router, { keys }: AppDeps) {
  // No longer than a new key waits before it signs, so that nobody meets a key they cannot find.
  router.get('/.well-known/jwks.json', (_request, response) => {
    response.set('cache-control', 'public, max-age=60').json(keys.published())
  })
}
