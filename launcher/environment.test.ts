import { expect, it } from 'vitest'
import { overridden } from './environment.ts'

it('what a person has set wins', () => {
  expect(overridden({ MEDIA_FOLDER: 'a', MEDIA_STORAGE: 'files' }, { MEDIA_FOLDER: 'b' })).toEqual({
    MEDIA_FOLDER: 'b',
    MEDIA_STORAGE: 'files',
  })
})

it('but not over what tells processes of one service apart', () => {
  const second = { MESSAGING_PORT: '3014', CLEW_INSTANCE: '2', OTEL_SERVICE_NAME: 'messaging' }
  const settings = { MESSAGING_PORT: '4000', CLEW_INSTANCE: '9', OTEL_SERVICE_NAME: 'x' }
  expect(overridden(second, settings)).toEqual(second)
})

it('a port that is not its own it hears of as it was set', () => {
  expect(overridden({}, { AUTH_PORT: '4000' })).toEqual({ AUTH_PORT: '4000' })
})
