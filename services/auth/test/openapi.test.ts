import type { ILayer, Router } from 'express-serve-static-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AppDeps, createRouter } from '../src/app.ts'
import { document } from '../src/openapi.ts'
import { type Auth, startAuth } from './start-auth.ts'

let auth: Auth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth[Symbol.asyncDispose]())

/** `post /api/auth/{provider}` for each route that Express knows. */
function routesOf(router: Router): string[] {
  return router.stack.flatMap(({ route }: ILayer) => {
    if (!route) throw new Error('a nested router has a prefix that cannot be seen: mount it flat')
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    const methods = route.stack.flatMap(({ method }) => method ?? [])
    return [...new Set(methods)].map((method) => `${method} ${path}`)
  })
}

function routesIn(paths: object): string[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  )
}

describe('the OpenAPI document', () => {
  it('has the routes the router has, and no others', () => {
    const router = createRouter({} as AppDeps) as unknown as Router
    expect(routesIn(document.paths ?? {}).sort()).toEqual(routesOf(router).sort())
  })

  it('is served', async () => {
    const { status, body } = await auth.get('/openapi.json')
    expect(status).toBe(200)
    expect(body.openapi).toBe('3.1.0')
    expect(body.paths).toEqual(JSON.parse(JSON.stringify(document.paths)))
  })

  it('says of every answer that it is there', async () => {
    // One request per route; whatever it answers must be written down.
    for (const route of routesIn(document.paths ?? {})) {
      const [method = '', path = ''] = route.split(' ')
      const url = path.replace('{provider}', 'google')
      const { status } = method === 'get' ? await auth.get(url) : await auth.post(url, {})
      const operation = (document.paths as Record<string, Record<string, { responses: object }>>)[
        path
      ]
      expect(Object.keys(operation?.[method]?.responses ?? {}), route).toContain(String(status))
    }
  })
})
