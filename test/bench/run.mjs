// npm run bench -- NAME: bundles test/bench/NAME.ts and runs it over a fresh build.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { build } from 'esbuild'

const [name, ...args] = process.argv.slice(2)
execFileSync('node', ['build.mjs'], { stdio: 'inherit' })
mkdirSync('node_modules/.cache/bench', { recursive: true })
const outfile = `node_modules/.cache/bench/${name}.mjs`
await build({
  entryPoints: [`test/bench/${name}.ts`],
  outfile,
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20',
})
execFileSync('node', [outfile, ...args], { stdio: 'inherit' })
