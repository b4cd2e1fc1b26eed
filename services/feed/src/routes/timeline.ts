import type Router from '@koa/router'
import type { Deps } from '../app.ts'
import type { Asking } from './request.ts'

export function addTimelineRoute(_router: Router, _asking: Asking, _deps: Deps): void {}
