import { answer, body, json, operations } from '@clew/kit/openapi'
import { problem } from '@clew/kit/schemas'
import { createDocument, type ZodOpenApiOperationObject } from 'zod-openapi'
import { reasons } from './routes/endings.ts'
import * as schemas from './schemas.ts'

const line = (description: string) => ({
  description,
  content: { 'text/plain': { schema: { type: 'string' as const } } },
})

const refusals: Record<number, string> = {
  400: 'The body is not a JSON object.',
  401: 'Not proved who asks.',
  404: 'There is no such provider here.',
  409: 'E-mail address or username are taken; `errors` names which.',
  413: 'The body is too large.',
  415: 'The body is not application/json.',
  422: 'The body does not fit; `errors` names each field.',
  429: 'Too many tries; `Retry-After` says when to come back.',
  503: 'The database is away, or too many people are signing in.',
}

function problems(...statuses: (keyof typeof refusals)[]) {
  const content = { 'application/problem+json': { schema: problem } }
  return Object.fromEntries(
    statuses.map((status) => [status, { description: refusals[status] ?? '', content }]),
  )
}

const bearer = { security: [{ bearer: [] }] }
const elsewhere = (description: string) => ({
  303: { description, headers: { location: { schema: { type: 'string' as const } } } },
})
const provider = {
  name: 'provider',
  in: 'path' as const,
  required: true,
  schema: { type: 'string' as const, enum: ['google', 'github', 'oidc'] },
}

const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {
  '/api/auth/register': {
    post: {
      summary: 'Join Clew',
      requestBody: body(schemas.registration),
      responses: {
        201: answer('The new person, already logged in', schemas.entered),
        ...problems(400, 409, 413, 415, 422, 429, 503),
      },
    },
  },
  '/api/auth/login': {
    post: {
      summary: 'Log in with e-mail address and password',
      requestBody: body(schemas.credentials),
      responses: {
        200: answer('Logged in', schemas.entered),
        ...problems(400, 401, 413, 415, 422, 429, 503),
      },
    },
  },
  '/api/auth/logout': {
    post: {
      summary: 'End this session everywhere',
      description:
        'By a bearer, else by the cookie `clew_refresh` or `clew_token`. The cookies are cleared in any case.',
      security: [{ bearer: [] }, { refreshCookie: [] }, { tokenCookie: [] }],
      responses: { 200: answer('Logged out', schemas.done), ...problems(401, 503) },
    },
  },
  '/api/auth/refresh': {
    post: {
      summary: 'Go on with new tokens',
      description:
        'By the refresh token in the body or the cookie `clew_refresh`, else by a valid access token, as a bearer or in the cookie `clew_token`. Each refresh token works once; one that comes again ends its session.',
      requestBody: json(schemas.refreshing),
      responses: {
        200: answer(
          'New tokens; for one that came in a cookie they are in cookies alone',
          schemas.refreshed.or(schemas.done),
        ),
        ...problems(400, 401, 413, 415, 422, 503),
      },
    },
  },
  '/api/auth/{provider}': {
    get: {
      summary: 'Log in through a provider',
      parameters: [provider],
      responses: {
        ...elsewhere('To the provider, or to `/auth/error?provider=&reason=`'),
        ...problems(404, 429),
      },
    },
  },
  '/api/auth/{provider}/callback': {
    get: {
      summary: 'Where a provider sends people back to',
      parameters: [
        provider,
        ...['code', 'state', 'error'].map((name) => ({
          name,
          in: 'query' as const,
          schema: { type: 'string' as const },
        })),
      ],
      responses: {
        ...elsewhere(
          'To `/auth/callback` with the tokens in cookies, or to `/auth/error?provider=&reason=`',
        ),
        ...problems(404),
      },
    },
  },
  '/auth/callback': {
    get: {
      summary: 'Where the way through a provider ends well',
      responses: { 200: line('Whether this browser holds a token') },
    },
  },
  '/auth/error': {
    get: {
      summary: 'Where the way through a provider ends otherwise',
      parameters: [
        { name: 'reason', in: 'query', schema: { type: 'string', enum: [...reasons.keys()] } },
      ],
      responses: { 200: line('The reason in words') },
    },
  },
  '/api/validate/token': {
    post: {
      summary: 'Whether a token is valid, and whose',
      requestBody: body(schemas.oneToken),
      responses: {
        200: answer('The verdict', schemas.verdict),
        ...problems(400, 413, 415, 422, 503),
      },
    },
  },
  '/api/validate/user': {
    get: {
      summary: 'Who the bearer is',
      ...bearer,
      responses: { 200: answer('The person', schemas.account), ...problems(401, 503) },
    },
  },
  '/api/validate/batch': {
    post: {
      summary: 'Up to 100 tokens at once',
      requestBody: body(schemas.manyTokens),
      responses: {
        200: answer('A verdict for each, in order', schemas.verdicts),
        ...problems(400, 413, 415, 422, 503),
      },
    },
  },
  '/.well-known/jwks.json': {
    get: {
      summary: 'The public keys of access tokens',
      responses: { 200: answer('A JSON Web Key Set', schemas.keySet) },
    },
  },
  ...operations,
}

export const document = createDocument({
  openapi: '3.1.0',
  info: { title: 'Clew auth', version: '0.1.0' },
  components: {
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      refreshCookie: { type: 'apiKey', in: 'cookie', name: 'clew_refresh' },
      tokenCookie: { type: 'apiKey', in: 'cookie', name: 'clew_token' },
    },
  },
  paths,
})
