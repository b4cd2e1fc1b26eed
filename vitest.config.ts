import { defineConfig } from 'vitest/config'

// Most of these files wait for processes they started, so more of them fit than there are cores.
const atOnce = 3

// Projects, by what they need: nothing; one service over real Postgres and Redis; the rules every
// service keeps; the whole platform through the gateway, then with parts of it stopped; and last
// the laws over every trace that all of them left.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{kit,launcher,population,telemetry,services,loadtests}/**/*.test.ts',
            'tests/*.test.ts',
            'tests/laws/laws.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/test/**'],
          maxWorkers: atOnce,
        },
      },
      {
        test: {
          name: 'service',
          include: ['{kit,launcher,population,telemetry,services}/**/test/**/*.test.ts'],
          exclude: ['**/node_modules/**'],
          globalSetup: 'tests/service-setup.ts',
          maxWorkers: atOnce,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      // What follows shares one running platform, so it comes in this order: the count of spans while
      // every process can still say its own, the faults when nobody else needs the platform whole,
      // the laws when every trace of the run is stored.
      {
        test: {
          name: 'contract',
          include: ['tests/contract/**/*.test.ts'],
          globalSetup: 'tests/whole-platform.ts',
          sequence: { groupOrder: 1 },
          maxWorkers: 1,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'journeys',
          include: ['tests/journeys/**/*.test.ts'],
          exclude: ['tests/journeys/faults*.test.ts'],
          globalSetup: 'tests/whole-platform.ts',
          sequence: { groupOrder: 2 },
          maxWorkers: 1,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'completeness',
          include: ['tests/laws/every-span.test.ts'],
          globalSetup: 'tests/whole-platform.ts',
          sequence: { groupOrder: 3 },
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['tests/journeys/faults*.test.ts'],
          globalSetup: 'tests/whole-platform.ts',
          sequence: { groupOrder: 4 },
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'laws',
          include: ['tests/laws/whole-run.test.ts'],
          globalSetup: 'tests/whole-platform.ts',
          sequence: { groupOrder: 5 },
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
