import { expect, test } from 'vitest'
import { createRoutes, type Deps } from './app.ts'
import { createOpenapi } from './openapi.ts'

test('the document and the router hold the same routes', () => {
  const app = createRoutes({} as Deps)
  const routes = app.routes
    .filter((route) => route.method !== 'ALL')
    .map((route) => `${route.method} ${route.path.replace(/:(\w+)/g, '{$1}')}`)
  const paths = createOpenapi().paths ?? {}
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(documented.sort()).toEqual([...new Set(routes)].sort())
})
