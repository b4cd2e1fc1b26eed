import type Router from '@koa/router'
import type { Deps } from '../app.ts'
import type { Asking } from './request.ts'

export function addPostRoutes(_router: Router, _asking: Asking, _deps: Deps): void {}
