import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type UserWorkspaceConfig } from 'vitest/config'

const alias = { pixelreduce: fileURLToPath(new URL('./src/index.ts', import.meta.url)) }

/** Tests leave the user's own history alone. */
const env = { PIXELREDUCE_HISTORY_DIR: join(tmpdir(), `pixelreduce-history-${process.pid}`) }

/** Tests that share real servers; each project has its own, and may run beside the others. */
function services(name: string, include: string[], exclude: string[] = []): UserWorkspaceConfig {
  return {
    resolve: { alias },
    test: {
      name,
      env,
      include,
      exclude: [...exclude, '**/node_modules/**'],
      globalSetup: ['test/global-setup.ts', 'test/services/global-setup.ts'],
      testTimeout: 180_000,
      hookTimeout: 300_000,
      maxWorkers: 1,
    },
  }
}

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
      services('services', ['test/services/**/*.test.ts'], ['test/services/cluster/**']),
      services('fleet', ['test/services/cluster/**/*.test.ts']),
    ],
  },
})
