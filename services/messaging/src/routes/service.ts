import type { Health } from '@clew/kit/health'
import type { Router } from 'express'
import { createOpenapi } from '../openapi.ts'

export function serviceRoutes(router: Router, health: Health): void {
  const openapi = createOpenapi()
  router.get('/openapi.json', (_request, response) => {
    response.json(openapi)
  })

  router.get('/livez', (_request, response) => {
    const { status, body } = health.live()
    response.status(status).json(body)
  })

  router.get('/readyz', async (_request, response) => {
    const { status, body } = await health.ready()
    response.status(status).json(body)
  })
}
