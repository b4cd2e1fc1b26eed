import { defineConfig } from 'vitest/config'

// Four projects, by what they need: nothing; one service over real Postgres and Redis;
// the rules every service keeps; the whole platform through the gateway.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{kit,launcher,telemetry,services,loadtests}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/test/**'],
        },
      },
      {
        test: {
          name: 'service',
          include: ['{kit,launcher,telemetry,services}/**/test/**/*.test.ts'],
          exclude: ['**/node_modules/**'],
          globalSetup: 'tests/service-setup.ts',
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['tests/contract/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'journeys',
          include: ['tests/{journeys,laws}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
