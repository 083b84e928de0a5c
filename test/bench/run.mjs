// npm run bench -- NAME: bundles test/bench/NAME.ts and runs it over a fresh build.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

/** Services find their Java sources, and tests their fixtures, beside themselves and not beside the bundle. */
const ownUrls = {
  name: 'own-urls',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]test[\\/](services|image)[\\/].*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(path).href),
      ),
      loader: 'ts',
    }))
  },
}

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
  plugins: [ownUrls],
})
execFileSync('node', [outfile, ...args], { stdio: 'inherit' })
