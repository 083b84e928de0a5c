// Builds dist/: every entry with the code they share in chunks, so that the bins start fast.
// With --types also the type declarations.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { build } from 'esbuild'

process.chdir(new URL('.', import.meta.url).pathname)

/** zod's messages in forty other languages are half of what every start would have to compile. */
const englishOnly = {
  name: 'english-only',
  setup({ onLoad }) {
    onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
    }))
  },
}

/** Leaves all packages to be found where they are installed, except these. */
function bundleOnly(names) {
  const isIn = new RegExp(`^(?:${names.join('|')})(?:/|$)`)
  return {
    name: 'bundle-only',
    setup({ onResolve }) {
      onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
        if (kind === 'entry-point' || path === 'pixelreduce' || isIn.test(path)) return undefined
        return { path, external: true }
      })
    },
  }
}

// Built aside and put in place at the end: a command that runs meanwhile finds the old one or the new one.
const staging = `dist.${process.pid}`
await build({
  entryPoints: {
    index: 'src/index.ts',
    'cli/start': 'src/cli/start.ts',
    'cli/pixelreduce': 'src/cli/pixelreduce.ts',
    'engines/local/worker': 'src/engines/local/worker.ts',
    'engines/local/process-worker': 'src/engines/local/process-worker.ts',
    'engines/cluster/runner-process': 'src/engines/cluster/runner-process.ts',
    ...Object.fromEntries(
      readdirSync('jobs').map((file) => [`jobs/${file.replace(/\.ts$/, '')}`, `jobs/${file}`]),
    ),
  },
  outdir: staging,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  alias: { pixelreduce: './src/index.ts' },
  // Every package stays outside but the few small ones that each start needs: one file loads faster than many.
  plugins: [englishOnly, bundleOnly(['commander', 'picomatch', 'pretty-bytes', 'zod'])],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
})

mkdirSync(`${staging}/bin`, { recursive: true })
for (const file of readdirSync('src/bin')) {
  cpSync(`src/bin/${file}`, `${staging}/bin/${file}`)
  chmodSync(`${staging}/bin/${file}`, 0o755)
}
if (existsSync('dist')) renameSync('dist', `${staging}.old`)
renameSync(staging, 'dist')
rmSync(`${staging}.old`, { recursive: true, force: true })

// In a checkout `npx run-job` finds the commands as it does where the package is installed.
if (existsSync('node_modules')) {
  mkdirSync('node_modules/.bin', { recursive: true })
  for (const name of ['run-job', 'pixelreduce']) {
    rmSync(`node_modules/.bin/${name}`, { force: true })
    symlinkSync(`../../dist/bin/${name}.cjs`, `node_modules/.bin/${name}`)
  }
}

// A package that is packed or published brings its types.
if (process.argv.includes('--types') || ['pack', 'publish'].includes(process.env.npm_command)) {
  execFileSync(
    'node_modules/.bin/tsc',
    ['--noEmit', 'false', '--emitDeclarationOnly', '--declaration', '--outDir', 'dist/types'],
    { stdio: 'inherit' },
  )
}
