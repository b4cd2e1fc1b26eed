import type { ILayer, Router } from 'express-serve-static-core'
import { expect, test } from 'vitest'
import { createRouter, type Deps } from './app.ts'
import { createOpenapi } from './openapi.ts'

test('the document names each route of the router, and no other', () => {
  // Routes are only listed here, none is called.
  const router = createRouter({} as Deps) as unknown as Router
  const routed = router.stack.flatMap(({ route }: ILayer) => {
    if (!route) throw new Error('a nested router has a prefix that cannot be seen: mount it flat')
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    const methods = route.stack.flatMap(({ method }) => method ?? [])
    return [...new Set(methods)].map((method) => `${method} ${path}`)
  })
  const documented = Object.entries(createOpenapi().paths ?? {}).flatMap(([path, operations]) =>
    Object.keys(operations ?? {}).map((method) => `${method} ${path}`),
  )
  expect(documented.sort()).toEqual(routed.sort())
})
