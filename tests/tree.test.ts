import { describe, expect, it } from 'vitest'
import { eventTrace, goodTrace, pick, spanId, typed } from './laws/sample.ts'
import { describeTrace, parseTree, printTree } from './tree.ts'

const registration = `
  gateway SERVER POST /api/auth/register  http.response.status_code=201
    auth SERVER POST /api/auth/register  user.id !cache.hit
      auth CLIENT INSERT users
      auth PRODUCER publish events:auth
        profile CONSUMER process events:auth
      auth CLIENT POST /internal/profiles
        profile SERVER POST /internal/profiles
  never: INSERT sessions
`

describe('a tree', () => {
  it('is the same text whether it was expected or found', () => {
    const tree = parseTree(registration)
    expect(describeTrace(goodTrace(), tree)).toBe(printTree(tree))
  })

  it('shows a span that is missing, and one too many', () => {
    const tree = parseTree(registration)
    const trace = goodTrace().filter(({ name }) => name !== 'INSERT users')
    const more = { ...pick(trace, 'call'), id: spanId('more'), name: 'GET /internal/profiles' }
    const found = describeTrace([...trace, more], tree)
    expect(found).not.toContain('INSERT users')
    expect(found).toContain('      auth CLIENT GET /internal/profiles'.slice(2))
  })

  it('shows the values it found in place of those expected', () => {
    const tree = parseTree(registration)
    const trace = goodTrace()
    Object.assign(pick(trace, 'gateway').attributes, typed({ 'http.response.status_code': 500 }))
    Object.assign(pick(trace, 'auth').attributes, typed({ 'cache.hit': true }))
    delete pick(trace, 'auth').attributes['user.id']
    const found = describeTrace(trace, tree)
    expect(found).toContain('gateway SERVER POST /api/auth/register  http.response.status_code=500')
    expect(found).toContain('auth SERVER POST /api/auth/register  cache.hit=true')
  })

  it('shows an error that was not expected', () => {
    const trace = goodTrace()
    pick(trace, 'insert').status = 'error'
    const found = describeTrace(trace, parseTree(registration))
    expect(found).toContain('auth CLIENT INSERT users  ERROR')
  })

  it('shows what must never be there', () => {
    const tree = parseTree(registration.replace('INSERT sessions', 'INSERT users'))
    const found = describeTrace(goodTrace(), tree)
    expect(found).toContain('never: INSERT users, (but there is auth CLIENT INSERT users)')
  })

  it('shows traces that follow by a link', () => {
    const tree = parseTree(`
      gateway SERVER POST /api/auth/register
        auth PRODUCER publish events:auth
          ↷ feed CONSUMER process events:auth
    `)
    const trace = goodTrace().filter(({ name }) => /publish|^POST .api/.test(name))
    pick(trace, 'publish').parentId = spanId('gateway')
    const short = trace.filter((span) => span !== pick(trace, 'auth'))
    const followers = new Map([[spanId('publish'), eventTrace()]])
    expect(describeTrace(short, tree, followers)).toBe(printTree(tree))
    expect(describeTrace(short, tree)).not.toBe(printTree(tree))
  })
})
