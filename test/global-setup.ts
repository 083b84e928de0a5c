import { execFileSync } from 'node:child_process'

/** Worker threads and the commands run from dist/: build it once, from the sources under test. */
export default function setup(): void {
  execFileSync(process.execPath, ['build.mjs'], { stdio: 'inherit' })
}
