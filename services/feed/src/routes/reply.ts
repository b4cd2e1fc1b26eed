import { type Problem, problemBody } from '@clew/kit/problem'
import type { ParameterizedContext } from 'koa'
import type { Page } from '../page.ts'

type Context = Pick<ParameterizedContext, 'res' | 'status' | 'body'>

const json = 'application/json'

/** A page that is ready to send. Koa, told the type first, need not guess it from the text. */
export function replyPage(ctx: Context, { text, hit }: Page): void {
  ctx.res.setHeader('content-type', json)
  ctx.res.setHeader('x-cache', hit ? 'hit' : 'miss')
  ctx.body = text
}

export function replyText(ctx: Context, text: string, status = 200): void {
  ctx.res.setHeader('content-type', json)
  ctx.status = status
  ctx.body = text
}

export function replyJson(ctx: Context, body: object, status = 200): void {
  replyText(ctx, JSON.stringify(body), status)
}

/** RFC 9457. */
export function replyProblem(ctx: Context, problem: Problem): void {
  ctx.res.setHeader('content-type', 'application/problem+json')
  for (const name in problem.headers) ctx.res.setHeader(name, problem.headers[name] ?? '')
  ctx.status = problem.status
  ctx.body = JSON.stringify(problemBody(problem))
}
