import { expect, it } from 'vitest'
import { controlPath } from './control.ts'

it('keeps the socket in the state folder, unless its path would be too long for a socket', () => {
  expect(controlPath('/home/ada/clew/.clew')).toBe('/home/ada/clew/.clew/run/control.sock')
  const deep = `/home/${'ada/'.repeat(40)}.clew`
  expect(Buffer.byteLength(controlPath(deep))).toBeLessThan(107)
  expect(controlPath(deep)).toBe(controlPath(deep))
  expect(controlPath(`${deep}2`)).not.toBe(controlPath(deep))
})
