// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what this is about
import { expect, it } from 'vitest'
import { fillTemplate } from './template.ts'

it('fills the names it knows and leaves the variables of NGINX alone', () => {
  const template = 'listen ${PORT}; path "${DIR}"; set $uri ${request_id} ${UNKNOWN};'
  expect(fillTemplate(template, { PORT: '8080', DIR: '/a $& b' })).toBe(
    'listen 8080; path "/a $& b"; set $uri ${request_id} ${UNKNOWN};',
  )
})
