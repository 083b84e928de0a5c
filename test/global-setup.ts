import { execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Worker threads and the commands run from dist/: build it once, from the sources under test. */
export default function setup(): () => Promise<void> {
  // test/run.mjs has done so, for two runs at once.
  if (!process.env.PIXELREDUCE_TESTS_BUILT) {
    execFileSync(process.execPath, ['build.mjs'], { stdio: 'inherit' })
  }
  // Where vitest.config.ts lets the jobs of the tests write their histories.
  const history = join(tmpdir(), `pixelreduce-history-${process.pid}`)
  return () => rm(history, { recursive: true, force: true })
}
