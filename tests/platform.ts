import type { Platform } from '@clew/launcher/platform'

/** The running platform as test files see it, from processes of their own. */
export type TestPlatform = Pick<Platform, 'ports' | 'urls' | 'env' | 'state' | 'control'>

/** In which variable `whole-platform.ts` hands it over. */
export const platformVariable = 'CLEW_TEST_WHOLE_PLATFORM'

/** @throws Error outside of the projects that start it */
export function readPlatform(): TestPlatform {
  const text = process.env[platformVariable]
  if (!text) throw new Error(`${platformVariable} is not set: run under the project journeys`)
  return JSON.parse(text)
}
