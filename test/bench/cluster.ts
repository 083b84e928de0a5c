/**
 * A fleet of two workers on this machine:
 *
 * - `splits`: a job of thousands of empty splits, against a bare BullMQ queue with as many workers and as many
 *   jobs, in turn; with the most memory that Redis used for it;
 * - `thumbnails`: photographs with two workers of one thread, against the local engine with two threads;
 * - `start`: from the command's start to the first record, with workers that are ready.
 *
 * Run with: npm run bench -- cluster [splits|thumbnails|start] [number]
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { Text } from '../../src/io/writables/index.js'
import { type Redis as RedisServer, startRedis } from '../services/redis.js'
import { runCommand } from '../services/run-command.js'
import { photographs } from './photographs.js'

const ROUNDS = 3
const WORKERS = 2
const THREADS = 2

const [what = 'all', number] = process.argv.slice(2)
if (what === 'bare-worker') bareWorker(process.argv[3]!)
else
  await main().catch((error) => {
    console.error(error)
    process.exit(1)
  })

async function main(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'pixelreduce-bench-'))
  const redis = await startRedis()
  try {
    if (what === 'all' || what === 'splits') await splits(redis, scratch, Number(number ?? 10_000))
    if (what === 'all' || what === 'start') await start(redis, scratch)
    if (what === 'all' || what === 'thumbnails') await thumbnails(redis, scratch, Number(number ?? 2400))
  } finally {
    await redis.stop()
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function splits(redis: RedisServer, scratch: string, count: number): Promise<void> {
  const input = writeEmptySplits(scratch, count)
  const job = join(scratch, 'nothing.ts')
  writeFileSync(
    job,
    `import { defineJob } from 'pixelreduce'\nexport default defineJob({ name: 'nothing', async map() {} })\n`,
  )
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const bare = await bareSeconds(redis.url, count)
    const workers = await startWorkers(redis.url, THREADS)
    const memory = await watchMemory(redis.url)
    const ours = await runSeconds([
      ...[job, '--input', input, '--output', join(scratch, `nothing-${round}`), '--overwrite'],
      ...['--splits', String(count), '--redis', redis.url],
    ])
    const bytes = await memory.stop()
    await stopWorkers(workers)
    ratios.push(bare / ours)
    console.log(
      `${count} empty splits: bare BullMQ ${(count / bare).toFixed(0)}/s, ours ${(count / ours).toFixed(0)}/s, ratio ${(bare / ours).toFixed(2)}; Redis ${(bytes / 2 ** 20).toFixed(1)} MB above idle`,
    )
  }
  console.log(`empty splits ratio (in rate, 0.5 is asked): ${median(ratios).toFixed(2)}`)
}

async function thumbnails(redis: RedisServer, scratch: string, count: number): Promise<void> {
  const input = await photographs(count)
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const output = (engine: string) => ['--output', join(scratch, `thumbnails-${engine}`), '--overwrite']
    const local = await runSeconds(['thumbnail', '--input', input, ...output('local'), '--workers', '2'])
    const workers = await startWorkers(redis.url, 1)
    const ours = await runSeconds(['thumbnail', '--input', input, ...output('cluster'), '--redis', redis.url])
    await stopWorkers(workers)
    ratios.push(local / ours)
    console.log(
      `${count} thumbnails: local ${local.toFixed(2)} s, cluster ${ours.toFixed(2)} s, ratio ${(local / ours).toFixed(2)}`,
    )
  }
  console.log(`thumbnails ratio (in speed, 0.9 is asked): ${median(ratios).toFixed(2)}`)
}

/** By the history: when the client began, and when the first task told of itself. */
async function start(redis: RedisServer, scratch: string): Promise<void> {
  const workers = await startWorkers(redis.url, 1)
  const input = fileURLToPath(new URL('../../../examples/images', import.meta.url))
  for (let round = 0; round < ROUNDS; round++) {
    const began = Date.now()
    const { stderr } = await run([
      ...['thumbnail', '--input', input, '--output', join(scratch, `start-${round}`), '--redis', redis.url],
      ...['--progress', 'json'],
    ])
    const firstRecord = stderr
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as { type: string; time?: string }] : []))
      .find(({ type }) => type === 'task-started')
    console.log(
      `start to first record (1 s is asked): ${((Date.parse(firstRecord!.time!) - began) / 1000).toFixed(2)} s`,
    )
  }
  await stopWorkers(workers)
}

/** A SequenceFile of one record whose value is as many times 100 bytes: of its splits one has a record. */
function writeEmptySplits(scratch: string, count: number): string {
  const length = count * 100
  const key = Text.encode('a')
  const name = (text: string) => Text.encode(text)
  const int = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const path = join(scratch, 'empty.seq')
  writeFileSync(
    path,
    Buffer.concat([
      Buffer.from('SEQ\x06', 'latin1'),
      name('org.apache.hadoop.io.Text'),
      name('org.apache.hadoop.io.BytesWritable'),
      Buffer.from([0, 0]),
      int(0),
      Buffer.alloc(16, 7),
      int(key.length + 4 + length),
      int(key.length),
      key,
      int(length),
      Buffer.alloc(length, 1),
    ]),
  )
  return path
}

async function bareSeconds(url: string, count: number): Promise<number> {
  const redis = new Redis(url, { maxRetriesPerRequest: null })
  const queue = new Queue('bare', { connection: redis })
  const workers = Array.from({ length: WORKERS }, () =>
    fork(fileURLToPath(import.meta.url), ['bare-worker', url]),
  )
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))))
  const startMs = performance.now()
  for (let at = 0; at < count; at += 1000) {
    const jobs = Array.from({ length: Math.min(1000, count - at) }, (_, i) => ({
      name: 'nothing',
      data: { split: at + i },
      opts: { removeOnComplete: true },
    }))
    await queue.addBulk(jobs)
  }
  for (;;) {
    const { waiting = 0, active = 0 } = await queue.getJobCounts('waiting', 'active')
    if (waiting + active === 0) break
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const seconds = (performance.now() - startMs) / 1000
  for (const worker of workers) worker.kill()
  await queue.obliterate({ force: true })
  redis.disconnect()
  return seconds
}

function bareWorker(url: string): void {
  const connection = new Redis(url, { maxRetriesPerRequest: null })
  const worker = new Worker('bare', async () => ({}), { connection, concurrency: THREADS })
  worker.on('ready', () => process.send!('ready'))
}

async function startWorkers(url: string, threads: number): Promise<ChildProcess[]> {
  const workers = Array.from({ length: WORKERS }, () =>
    spawn('node', ['dist/bin/pixelreduce.cjs', 'worker', '--redis', url, '--threads', String(threads)], {
      stdio: ['ignore', 'inherit', 'pipe'],
    }),
  )
  const areReady = workers.map(
    (worker) =>
      new Promise<void>((resolve) => {
        worker.stderr!.setEncoding('utf8').on('data', (text: string) => {
          if (text.includes('is ready')) resolve()
        })
      }),
  )
  await Promise.all(areReady)
  // Also when a measurement fails.
  process.on('exit', () => {
    for (const worker of workers) worker.kill()
  })
  // A worker is warm when the process that will run its first job has booted.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  return workers
}

async function stopWorkers(workers: ChildProcess[]): Promise<void> {
  const ended = workers.map((worker) => new Promise((resolve) => worker.once('close', resolve)))
  for (const worker of workers) worker.kill()
  await Promise.all(ended)
}

async function watchMemory(url: string): Promise<{ stop(): Promise<number> }> {
  const redis = new Redis(url)
  const used = async () => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1])
  const idle = await used()
  let most = idle
  const looking = setInterval(async () => {
    most = Math.max(most, await used())
  }, 50)
  return {
    async stop() {
      clearInterval(looking)
      redis.disconnect()
      return most - idle
    },
  }
}

async function runSeconds(args: string[]): Promise<number> {
  const startMs = performance.now()
  await run([...args, '--progress', 'none'])
  return (performance.now() - startMs) / 1000
}

async function run(args: string[]): Promise<{ stderr: string }> {
  const result = await runCommand('node', ['dist/bin/run-job.cjs', ...args])
  if (result.code !== 0) throw new Error(`run-job ended with ${result.code}: ${result.stderr.slice(-2000)}`)
  return result
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}
