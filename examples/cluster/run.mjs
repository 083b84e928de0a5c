// A fleet on one machine: node examples/cluster/run.mjs; README.md tells the rest.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const WORKERS = 3

/** HDFS is told to call this machine so; a real one calls machines by the names they have. */
const WORKER_FLAGS = ['--host', '127.0.0.1', '--threads', '1', '--drain-timeout', '5s']

process.chdir(fileURLToPath(new URL('../..', import.meta.url)))
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop.abort())

/** What has been started, and how it is ended; the last one first. */
const stops = []
console.error(`Starting Redis, HDFS and ${WORKERS} workers`)
try {
  await run(await testServices())
} catch (error) {
  process.exitCode = 1
  console.error(stop.signal.aborted ? 'Stopped before the end' : error)
} finally {
  while (stops.length > 0) await stops.pop()()
}
process.exit()

async function run({ startRedis, startHdfs, Daemon, temporaryFolder, waitUntil }) {
  const logs = await started(temporaryFolder('example'), (folder) => folder.remove())
  const redis = await started(startRedis(), (service) => service.stop())
  const hdfsStarts = started(startHdfs({ dataNodes: 1 }), (service) => service.stop())
  const fleet = ['--redis', redis.url]
  for (let number = 1; number <= WORKERS; number++) {
    // Daemons end with this process, however it ends.
    const worker = new Daemon({
      program: process.execPath,
      args: ['dist/bin/pixelreduce.cjs', 'worker', ...fleet, ...WORKER_FLAGS],
      logFile: join(logs.path, `worker-${number}.log`),
    })
    await started(worker.start(), () => worker.kill('SIGTERM'))
  }
  const workersAre = () => printed('pixelreduce', ['workers', '--json', ...fleet]).length === WORKERS
  const hdfs = await hdfsStarts
  await waitUntil(`${WORKERS} workers`, async () => workersAre(), { intervalMs: 200, deadlineMs: 30_000 })

  const [photos, thumbs] = [`${hdfs.webhdfsUri}/photos`, `${hdfs.webhdfsUri}/thumbs`]
  await command('pixelreduce', ['pack', 'examples/images', photos])
  await command('run-job', ['thumbnail', '--input', photos, '--output', thumbs, '--splits', '3', ...fleet])
  await command('pixelreduce', ['verify', thumbs])
  await command('pixelreduce', ['workers', ...fleet])
  const [job] = printed('pixelreduce', ['jobs', 'list', '--json', ...fleet])
  await command('pixelreduce', ['jobs', 'show', JSON.parse(job).jobId, ...fleet])
}

/** Sees to the end of something that starts, also when the end is asked for before it has started. */
function started(starting, end) {
  stops.push(() => starting.then(end, () => {}))
  return starting
}

/** Runs a command as a user would, and shows it. */
async function command(name, args) {
  stop.signal.throwIfAborted()
  console.log(`$ npx ${name} ${args.join(' ')}`)
  const child = spawn(process.execPath, [`dist/bin/${name}.cjs`, ...args], {
    stdio: 'inherit',
    signal: stop.signal,
    killSignal: 'SIGKILL',
  })
  const [code, endedBy] = await once(child, 'close')
  // Ctrl-C goes to all processes of a terminal, and this one may hear of it last.
  if (endedBy === 'SIGINT' || endedBy === 'SIGTERM') stop.abort()
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}`)
  console.log()
}

/** The lines that a command prints. */
function printed(name, args) {
  const text = execFileSync(process.execPath, [`dist/bin/${name}.cjs`, ...args], { encoding: 'utf8' })
  return text.split('\n').filter((line) => line !== '')
}

/** Redis and HDFS as the tests start them, from TypeScript; their Java sources are found beside them. */
async function testServices() {
  const services = ['redis', 'hdfs', 'daemon', 'wait-until'].map((name) => `./test/services/${name}.ts`)
  const outfile = 'node_modules/.cache/pixelreduce/example-services.mjs'
  mkdirSync('node_modules/.cache/pixelreduce', { recursive: true })
  await build({
    stdin: { contents: services.map((file) => `export * from '${file}'`).join('\n'), resolveDir: '.' },
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    plugins: [
      { name: 'own-urls', setup: ({ onLoad }) => onLoad({ filter: /services[\\/].*\.ts$/ }, ownUrl) },
    ],
  })
  return import(pathToFileURL(outfile).href)
}

function ownUrl({ path }) {
  const url = JSON.stringify(pathToFileURL(path).href)
  return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url), loader: 'ts' }
}
