import { expect, test } from 'vitest'
import { createRoutes, type Deps } from './app.ts'
import { createOpenapi } from './openapi.ts'

test('the document names each route of the router, and no other', () => {
  // Routes are only listed here, none is called.
  const routed = createRoutes({} as Deps)
    .routes.filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  const documented = Object.entries(createOpenapi().paths ?? {}).flatMap(([path, operations]) =>
    Object.keys(operations ?? {}).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(documented.sort()).toEqual([...new Set(routed)].sort())
})
