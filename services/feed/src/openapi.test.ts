import { expect, test } from 'vitest'
import { createRoutes, type Deps } from './app.ts'
import { createOpenapi } from './openapi.ts'

test('the document names each route of the router, and no other', () => {
  // Routes are only listed here, none is called. A router answers HEAD wherever it answers GET.
  const routed = createRoutes({} as Deps).stack.flatMap(({ methods, path }) =>
    methods
      .filter((method) => method !== 'HEAD')
      .map((method) => `${method} ${String(path).replace(/:(\w+)/g, '{$1}')}`),
  )
  const documented = Object.entries(createOpenapi().paths ?? {}).flatMap(([path, operations]) =>
    Object.keys(operations ?? {}).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(documented.sort()).toEqual(routed.sort())
})
