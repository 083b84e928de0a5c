import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const alias = { pixelreduce: fileURLToPath(new URL('./src/index.ts', import.meta.url)) }

/** Tests leave the user's own history alone. */
const env = { PIXELREDUCE_HISTORY_DIR: join(tmpdir(), `pixelreduce-history-${process.pid}`) }

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'unit',
          env,
          include: ['test/**/*.test.ts'],
          exclude: ['test/services/**', '**/node_modules/**'],
          globalSetup: ['test/global-setup.ts'],
          testTimeout: 60_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'services',
          env,
          include: ['test/services/**/*.test.ts'],
          globalSetup: ['test/global-setup.ts', 'test/services/global-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          maxWorkers: 1,
        },
      },
    ],
  },
})
