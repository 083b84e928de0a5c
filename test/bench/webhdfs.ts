/**
 * HDFS on this machine (a NameNode and two DataNodes), each in turn with its peer: a sequential read of 1 GB
 * against Hadoop's own client, ranged reads of 64 KB against a bare node:http client that makes both hops,
 * and the thumbnail job on HDFS against the same job on local files.
 *
 * Run with: npm run bench -- webhdfs [rounds, default 5]
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { resolveUri } from '../../src/fs/resolve.js'
import { hadoopClasspath } from '../services/hadoop/jars.js'
import { type Hdfs, startHdfs } from '../services/hdfs.js'
import { runCommand } from '../services/run-command.js'
import { photographs } from './photographs.js'

const FILE_BYTES = 1024 ** 3
const RANGE_BYTES = 64 * 1024
const RANGES = 200
const PICTURES = 480

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function spread(values: readonly number[]): string {
  return `${median(values).toFixed(2)}  [${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}]`
}

async function seconds(once: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await once()
  return (performance.now() - start) / 1000
}

async function writeFile(uri: string): Promise<void> {
  const { fs, path } = resolveUri(uri)
  await using sink = await fs.create(path, { replication: 1 })
  const noise = Buffer.alloc(1024 ** 2)
  for (let at = 0, x = 1; at < noise.length; at++) {
    x = (Math.imul(x, 1103515245) + 12345) | 0
    noise[at] = x >>> 16
  }
  for (let written = 0; written < FILE_BYTES; written += noise.length) await sink.write(noise)
  await sink.close()
}

/** What the child process does that stands for our client: the file to standard output. */
async function cat(uri: string): Promise<void> {
  const { fs, path } = resolveUri(uri)
  await using source = await fs.open(path)
  for await (const piece of source.stream(0)) {
    if (!process.stdout.write(piece)) await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
}

/** Runs a command and counts what comes through its pipe. */
function countOutput(program: string, args: string[], environment = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let bytes = 0
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    child.once('error', reject)
    child.once('close', (code) => {
      // Hadoop's log may come on standard output as well.
      if (code === 0 && bytes >= FILE_BYTES) resolve()
      else reject(new Error(`${program} ended with ${code} after ${bytes} bytes`))
    })
  })
}

async function sequentialRead(hdfs: Hdfs, uri: string, rounds: number): Promise<void> {
  const classpath = [hdfs.configuration, await hadoopClasspath()].join(delimiter)
  const shell = ['-Xmx1g', '-cp', classpath, 'org.apache.hadoop.fs.FsShell', '-cat', resolveUri(uri).path]
  const ratios: number[] = []
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < rounds; round++) {
    theirs.push(await seconds(() => countOutput('java', shell, { HADOOP_USER_NAME: hdfs.user })))
    ours.push(await seconds(() => countOutput(process.execPath, [process.argv[1]!, '--cat', uri])))
    ratios.push(theirs.at(-1)! / ours.at(-1)!)
  }
  console.log(
    `sequential read of 1 GB: FsShell -cat ${median(theirs).toFixed(2)} s, ours ${median(ours).toFixed(2)} s`,
  )
  console.log(`sequential read ratio (in speed, at least 1.0; ${rounds} pairs): ${spread(ratios)}`)
}

/** A client that knows nothing: the NameNode's redirect, then the DataNode, on kept connections. */
function bareRead(agent: Agent, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response: IncomingMessage) => {
      if (response.statusCode === 307) {
        response.resume()
        bareRead(agent, response.headers.location!).then(resolve, reject)
        return
      }
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('end', () => resolve(bytes))
      response.on('error', reject)
    }).on('error', reject)
  })
}

async function rangedReads(hdfs: Hdfs, uri: string): Promise<void> {
  const { fs, path } = resolveUri(uri)
  await using source = await fs.open(path)
  const agent = new Agent({ keepAlive: true })
  const ours: number[] = []
  const theirs: number[] = []
  for (let i = 0; i < RANGES; i++) {
    const start = (i * 104_729 * 1024) % (FILE_BYTES - RANGE_BYTES)
    const query = `op=OPEN&offset=${start}&length=${RANGE_BYTES}&user.name=${hdfs.user}`
    const bare = await seconds(async () => {
      const bytes = await bareRead(agent, `${hdfs.httpUri}/webhdfs/v1${path}?${query}`)
      if (bytes !== RANGE_BYTES) throw new Error(`The bare client got ${bytes} bytes`)
    })
    const own = await seconds(() => source.read(start, start + RANGE_BYTES))
    // The first reads of each block make both hops on our side too: the file is not known before.
    if (i < RANGES / 4) continue
    theirs.push(bare)
    ours.push(own)
  }
  agent.destroy()
  const ms = (values: number[]) => (median(values) * 1000).toFixed(2)
  console.log(`ranged read of 64 KB, medians: bare client ${ms(theirs)} ms, ours ${ms(ours)} ms`)
  console.log(`ranged read ratio (in time, at most 0.6): ${(median(ours) / median(theirs)).toFixed(2)}`)
}

async function job(input: string, output: string): Promise<number> {
  const args = ['thumbnail', '--input', input, '--output', output, '--overwrite', '--progress', 'none']
  return seconds(async () => {
    const { code, stderr } = await runCommand(process.execPath, ['dist/bin/run-job.cjs', ...args])
    if (code !== 0) throw new Error(`run-job ended with ${code}: ${stderr}`)
  })
}

async function thumbnails(hdfs: Hdfs, scratch: string, rounds: number): Promise<void> {
  const packed = join(scratch, 'packed')
  const onHdfs = `${hdfs.webhdfsUri}/packed`
  for (const output of [packed, onHdfs]) {
    const args = ['dist/bin/pixelreduce.cjs', 'pack', await photographs(PICTURES), output]
    const { code, stderr } = await runCommand(process.execPath, [...args, '--progress', 'none'])
    if (code !== 0) throw new Error(`pack ended with ${code}: ${stderr}`)
  }
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const local = await job(packed, join(scratch, 'thumbnails'))
    const remote = await job(onHdfs, `${hdfs.webhdfsUri}/thumbnails`)
    ratios.push(local / remote)
  }
  console.log(
    `thumbnails of ${PICTURES} photographs, HDFS to HDFS against local to local (in speed, at least 0.85; ${rounds} pairs): ${spread(ratios)}`,
  )
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 5)
  const scratch = await mkdtemp(join(tmpdir(), 'pixelreduce-bench-'))
  const hdfs = await startHdfs({ blockSize: 128 * 1024 * 1024 })
  try {
    const uri = `${hdfs.webhdfsUri}/gigabyte`
    await writeFile(uri)
    await sequentialRead(hdfs, uri, rounds)
    await rangedReads(hdfs, uri)
    await thumbnails(hdfs, scratch, rounds)
  } finally {
    await hdfs.stop()
    await rm(scratch, { recursive: true, force: true })
  }
}

await (process.argv[2] === '--cat' ? cat(process.argv[3]!) : main())
