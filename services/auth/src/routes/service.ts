import type { Router } from 'express'
import type { AppDeps } from '../app.ts'
import { document } from '../openapi.ts'

export function serviceRoutes(router: Router, { health }: AppDeps) {
  router.get('/livez', (_request, response) => {
    const { status, body } = health.live()
    response.status(status).json(body)
  })

  router.get('/readyz', async (_request, response) => {
    const { status, body } = await health.ready()
    response.status(status).json(body)
  })

  router.get('/openapi.json', (_request, response) => {
    response.json(document)
  })
}
