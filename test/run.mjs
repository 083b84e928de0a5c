// npm test: both projects of vitest at once, because one keeps the cores busy while the other waits for servers.
// What the services' tests say is shown as they say it, the rest when it has ended, and last the sum of vitest's
// own counts. Arguments go to both.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PROJECTS = ['services', 'unit']
const scratch = mkdtempSync(join(tmpdir(), 'pixelreduce-tests-'))
const reportOf = (project) => join(scratch, `${project}.json`)

// Once for both: neither may find the other replacing what it runs.
execFileSync(process.execPath, ['build.mjs'], { stdio: 'inherit' })
const runs = PROJECTS.map((project, at) => run(project, at === 0))
const codes = []
for (const { ended, said } of runs) {
  codes.push(await ended)
  process.stdout.write(Buffer.concat(said))
}

const sums = { failed: 0, passed: 0, total: 0 }
for (const project of PROJECTS) {
  if (!existsSync(reportOf(project))) continue
  const report = JSON.parse(readFileSync(reportOf(project), 'utf8'))
  sums.failed += report.numFailedTests
  sums.passed += report.numPassedTests
  sums.total += report.numTotalTests
}
rmSync(scratch, { recursive: true, force: true })
console.log(
  `\n      Tests  ${sums.failed > 0 ? `${sums.failed} failed | ` : ''}${sums.passed} passed (${sums.total})`,
)
process.exitCode = codes.every((code) => code === 0) ? 0 : 1

/** @param isShown whether what it says is shown at once; else it is kept */
function run(project, isShown) {
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json']
  const child = spawn(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      ...args,
      `--outputFile.json=${reportOf(project)}`,
      ...process.argv.slice(2),
    ],
    {
      stdio: ['ignore', isShown ? 'inherit' : 'pipe', isShown ? 'inherit' : 'pipe'],
      env: { ...process.env, PIXELREDUCE_TESTS_BUILT: '1' },
    },
  )
  const said = []
  child.stdout?.on('data', (bytes) => said.push(bytes))
  child.stderr?.on('data', (bytes) => said.push(bytes))
  return { said, ended: once(child, 'close').then(([code]) => code ?? 1) }
}
