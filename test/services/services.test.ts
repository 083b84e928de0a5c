import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { buildOnce, cacheFolder } from './build-once.js'
import { Daemon, temporaryFolder } from './daemon.js'
import { hadoopClasspath } from './hadoop/jars.js'
import { javaTool } from './hadoop/java.js'
import { connectHdfs, type Hdfs, startHdfs } from './hdfs.js'
import { redisCommand, startRedis } from './redis.js'
import { waitUntil } from './wait-until.js'

const fixtures = fileURLToPath(new URL('../fixtures/hadoop', import.meta.url))

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pixelreduce-services-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function jsonLines(tool: string, ...args: string[]) {
  const result = await javaTool(tool, args)
  const lines = result.stdout.split('\n').filter((line) => line !== '')
  return { ...result, lines: lines.map((line) => JSON.parse(line)) }
}

describe('what is built once', () => {
  test('is built by one of many who ask at once, and is whole when it appears', async () => {
    const name = `test-${process.pid}`
    let builds = 0
    const build = async (unfinished: string) => {
      builds++
      await writeFile(path.join(unfinished, 'one'), '1')
      expect(existsSync(path.join(cacheFolder, name))).toBe(false)
      await writeFile(path.join(unfinished, 'two'), '2')
    }

    const built = await Promise.all(Array.from({ length: 8 }, () => buildOnce(name, build)))

    expect(builds).toBe(1)
    expect(await readdir(built[0]!)).toEqual(['one', 'two'])
    await rm(built[0]!, { recursive: true })
  })

  test('is not there after a build that failed, and is built by the next who asks', async () => {
    const name = `test-failed-${process.pid}`
    const failing = buildOnce(name, async (unfinished) => {
      await writeFile(path.join(unfinished, 'one'), '1')
      throw new Error('no room')
    })
    await expect(failing).rejects.toThrow('no room')
    expect((await readdir(cacheFolder)).filter((entry) => entry.startsWith(name))).toEqual([])

    const built = await buildOnce(name, (unfinished) => writeFile(path.join(unfinished, 'two'), '2'))

    expect(await readdir(built)).toEqual(['two'])
    await rm(built, { recursive: true })
  })

  test('takes over from a builder that was killed', async () => {
    const name = `test-killed-${process.pid}`
    const killed = spawn(process.execPath, ['-e', ''])
    await once(killed, 'exit')
    await mkdir(path.join(cacheFolder, `${name}.unfinished-${killed.pid}`), { recursive: true })
    await writeFile(path.join(cacheFolder, `${name}.lock`), String(killed.pid))

    const built = await buildOnce(name, (unfinished) => writeFile(path.join(unfinished, 'one'), '1'))

    expect((await readdir(cacheFolder)).filter((entry) => entry.startsWith(name))).toEqual([name])
    await rm(built, { recursive: true })
  })
})

describe('a daemon', () => {
  test('ends with its test process, and its folder too, even when that is killed with SIGKILL', async () => {
    const script = path.join(folder, 'parent.mjs')
    const source = fileURLToPath(new URL('daemon.ts', import.meta.url))
    const esbuild = await import('esbuild')
    await esbuild.build({
      entryPoints: [source],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: path.join(folder, 'daemon.mjs'),
    })
    await writeFile(
      script,
      `import { Daemon, temporaryFolder } from './daemon.mjs'
      const folder = await temporaryFolder('orphan')
      const daemon = new Daemon({ program: 'sleep', args: ['1000'], logFile: folder.path + '/sleep.log' })
      await daemon.start()
      console.log(JSON.stringify({ folder: folder.path, processId: daemon.processId }))
      setInterval(() => {}, 1000)`,
    )
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const orphan = JSON.parse(line.toString()) as { folder: string; processId: number }
    expect(isAlive(orphan.processId)).toBe(true)

    parent.kill('SIGKILL')

    await waitUntil('the daemon ends', async () => !isAlive(orphan.processId))
    await waitUntil('its folder is removed', async () => !existsSync(orphan.folder))
  })

  test('leaves no process of its group when it ends by itself', async () => {
    const home = await temporaryFolder('short')
    const daemon = new Daemon({
      program: 'sh',
      args: ['-c', 'echo done'],
      logFile: path.join(home.path, 'sh.log'),
    })
    await daemon.start()
    const group = daemon.processId!

    await waitUntil('it ends', async () => !daemon.running)

    await waitUntil('its group ends', async () => !isAlive(-group))
    expect(await daemon.logTail()).toBe('done\n')
    await home.remove()
    expect(existsSync(home.path)).toBe(false)
  })
})

describe('Hadoop', () => {
  test('has its jars in the cache', async () => {
    const classpath = await hadoopClasspath()

    const jars = await readdir(path.dirname(classpath))
    expect(classpath.startsWith(cacheFolder)).toBe(true)
    expect(jars).toContain('hadoop-common-3.4.2.jar')
    expect(jars).toContain('hadoop-streaming-3.4.2.jar')
    expect(jars).toContain('lz4-java-1.8.0.jar')
  })

  test('writes and verifies a MapFile in each mode with each codec that needs no native library', async () => {
    const codecs = ['default', 'gzip', 'bzip2', 'snappy', 'lz4']
    const modes = ['RECORD', 'BLOCK'].flatMap((compression) =>
      codecs.map((codec) => ({ compression, codec })),
    )
    const written = []
    for (const { compression, codec } of [{ compression: 'NONE', codec: 'default' }, ...modes]) {
      const options = ['--interval', '7', '--records', '100', '--block-bytes', '10000', '--values']
      const target = path.join(folder, `${compression}-${codec}`)
      const result = await jsonLines(
        'WriteMapFile',
        ...options,
        '--compression',
        compression,
        '--codec',
        codec,
        target,
      )
      expect(result).toMatchObject({ code: 0, stderr: '', lines: [{ compression, records: 100 }] })
      written.push(result.lines[0])
    }

    const read = await jsonLines('VerifyMapFile', '--values', ...written.map((line) => line.path))

    expect(read).toMatchObject({ code: 0, stderr: '' })
    expect(read.lines).toMatchObject(written.map((line) => ({ ...line, inOrder: true, indexCorrect: true })))
    expect(read.lines[0].indexEntries).toBe(15)
  })

  test('has no Zstandard without its native library, and says so', async () => {
    const target = path.join(folder, 'zstandard')
    const written = await jsonLines('WriteMapFile', '--compression', 'BLOCK', '--codec', 'zstandard', target)

    expect(written.code).toBe(1)
    expect(written.stderr).toContain('native zStandard library not available')
  })

  test('reads the golden files as their JSON says', async () => {
    const names = [
      'default-128',
      'block-lz4',
      'long-keys',
      'int-keys',
      'bytes-keys',
      'raw-order',
      'empty',
      'one',
    ]
    const args = names.map((name) => path.join(fixtures, 'map', name))

    const read = await jsonLines('VerifyMapFile', '--index', ...args)

    expect(read).toMatchObject({ code: 0, stderr: '' })
    expect(read.lines).toHaveLength(names.length)
    for (const [i, name] of names.entries()) {
      const golden = JSON.parse(await readFile(path.join(fixtures, 'map', `${name}.json`), 'utf8'))
      const { keyClass, valueClass, records, streamSha256 } = golden
      const { compression, codec } = golden.data
      expect(read.lines[i], name).toMatchObject({
        keyClass,
        valueClass,
        records,
        streamSha256,
        compression,
        codec,
      })
      expect(
        read.lines[i].index.map((entry: [string, number]) => entry[1]),
        name,
      ).toEqual(golden.index.entries.map((entry: [unknown, number]) => entry[1]))
    }
  })

  test('says which of its files it can not read, and how far it came', async () => {
    const read = await jsonLines('VerifyMapFile', path.join(fixtures, 'map', 'truncated'))

    const golden = JSON.parse(await readFile(path.join(fixtures, 'map', 'truncated.json'), 'utf8'))
    expect(read.code).toBe(1)
    expect(read.lines).toMatchObject([
      { error: golden.hadoopReads.error, recordsRead: golden.hadoopReads.records },
    ])
  })

  test("looks keys up in a job's output through its partitioner", async () => {
    const output = path.join(fixtures, 'map', 'job-hash')
    const golden = JSON.parse(await readFile(path.join(fixtures, 'map', 'job-hash.json'), 'utf8'))
    const keys = path.join(folder, 'keys.txt')
    await writeFile(keys, golden.lookups.map((lookup: { key: string }) => `${lookup.key}\n`).join(''))

    const read = await jsonLines('VerifyMapFile', '--keys', keys, output)

    const answers = read.lines.filter((line) => line.get !== undefined)
    expect(read.code).toBe(0)
    expect(read.lines).toContainEqual(expect.objectContaining({ kind: 'JobOutput', parts: 3, success: true }))
    expect(answers.map((answer) => [answer.get, answer.found])).toEqual(
      golden.lookups.map((lookup: { key: string; found: boolean }) => [lookup.key, lookup.found]),
    )
  })

  test('is a peer for benchmarks of scans and of gets', async () => {
    const target = path.join(folder, 'bench')
    await jsonLines('WriteMapFile', '--records', '300', '--min-bytes', '1000', '--max-bytes', '1000', target)
    const keys = path.join(folder, 'bench-keys.txt')
    await writeFile(keys, 'cam-00/000250.jpg\ncam-00/000007.jpg\n')

    const scan = await jsonLines('BenchMapFile', 'scan', '--times', '2', target)
    const get = await jsonLines('BenchMapFile', 'get', '--keys', keys, '--times', '2', target)

    const seconds = [expect.any(Number), expect.any(Number)]
    expect(scan.lines).toEqual([{ bench: 'scan', records: 300, valueBytes: 300_000, seconds }])
    expect(get.lines).toEqual([{ bench: 'get', records: 2, valueBytes: 2000, seconds }])
  })
})

describe('the HDFS of the run', () => {
  test('takes a file through its shell and gives it back', async () => {
    const hdfs = connectHdfs(inject('hdfs'))

    const put = await hdfs.fsShell(['-put', '-', '/services-shell.txt'], { input: 'one\ntwo\n' })
    const cat = await hdfs.fsShell(['-cat', '/services-shell.txt'])

    expect(put).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(cat).toEqual({ code: 0, stdout: 'one\ntwo\n', stderr: '' })
  })

  test('lists a folder over WebHDFS', async () => {
    const hdfs = connectHdfs(inject('hdfs'))
    await hdfs.fsShell(['-mkdir', '-p', '/services-list/folder'])

    const response = await fetch(
      `${hdfs.httpUri}/webhdfs/v1/services-list?op=LISTSTATUS&user.name=${hdfs.user}`,
    )

    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      FileStatuses: { FileStatus: [{ pathSuffix: 'folder', type: 'DIRECTORY', owner: hdfs.user }] },
    })
  })

  test('holds a MapFile that the verifier reads', async () => {
    const hdfs = connectHdfs(inject('hdfs'))
    const written = await hdfs.javaTool('WriteMapFile', ['/services.map'])

    const read = await hdfs.javaTool('VerifyMapFile', ['/services.map'])

    expect(written).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(read.stdout)).toMatchObject(JSON.parse(written.stdout))
    expect(read.code).toBe(0)
  })
})

describe("an HDFS of a test's own", () => {
  let hdfs: Hdfs

  beforeAll(async () => {
    hdfs = await startHdfs({ dataNodes: 2, blockSize: 65536 })
    await hdfs.fsShell(['-put', '-', '/kept.bin'], { input: Buffer.alloc(200_000, 'x') })
  })

  afterAll(() => hdfs?.stop())

  const length = async () => (await hdfs.fsShell(['-cat', '/kept.bin'])).stdout.length

  test('cuts files into small blocks, each on both DataNodes', async () => {
    const response = await fetch(`${hdfs.httpUri}/webhdfs/v1/kept.bin?op=GETFILEBLOCKLOCATIONS`)

    const { BlockLocations } = (await response.json()) as {
      BlockLocations: { BlockLocation: { hosts: string[] }[] }
    }
    expect(BlockLocations.BlockLocation.map((block) => block.hosts.length)).toEqual([2, 2, 2, 2])
  })

  test('reads on after a kill -9 of one DataNode, and has it back after a start', async () => {
    const [dataNode] = hdfs.dataNodes
    await dataNode!.kill('SIGKILL')
    expect(dataNode!.running).toBe(false)
    expect(await length()).toBe(200_000)
    await hdfs.waitForLiveDataNodes(1)

    await dataNode!.start()

    await hdfs.waitForLiveDataNodes(2)
    await hdfs.dataNodes[1]!.kill()
    expect(await length()).toBe(200_000)
    await hdfs.dataNodes[1]!.start()
  })

  test('keeps its files through a kill -9 of the NameNode', async () => {
    await hdfs.nameNode.kill('SIGKILL')
    await expect(fetch(hdfs.httpUri)).rejects.toThrow()

    await hdfs.nameNode.start()

    expect(await length()).toBe(200_000)
  })

  test('refuses writes in safe mode and beyond a quota', async () => {
    await hdfs.safemode('on')
    const safe = await hdfs.fsShell(['-mkdir', '/folder'])
    await hdfs.safemode('off')
    await hdfs.fsShell(['-mkdir', '/folder'])
    await hdfs.setQuota('/folder', { spaceBytes: 131_072 })
    const full = await hdfs.fsShell(['-put', '-', '/folder/file'], { input: Buffer.alloc(200_000) })
    await hdfs.setQuota('/folder', { spaceBytes: null })
    const roomy = await hdfs.fsShell(['-put', '-f', '-', '/folder/file'], { input: Buffer.alloc(200_000) })

    expect(safe.stderr).toContain('safe mode')
    expect(full.stderr).toContain('quota of /folder is exceeded')
    expect([safe.code, full.code, roomy.code]).toEqual([1, 1, 0])
  })
})

describe('Redis', () => {
  test('of the run answers', async () => {
    expect(await redisCommand(Number(new URL(inject('redis')).port), 'PING')).toBe('+PONG')
  })

  test.each([
    { appendOnly: true, after: '$4' },
    { appendOnly: false, after: '$-1' },
  ])('with appendOnly $appendOnly answers $after for a key after a kill -9', async ({
    appendOnly,
    after,
  }) => {
    const redis = await startRedis({ appendOnly })
    try {
      expect(await redisCommand(redis.port, 'SET key kept')).toBe('+OK')
      await redis.kill('SIGKILL')
      await expect(redisCommand(redis.port, 'PING')).rejects.toThrow('ECONNREFUSED')

      await redis.start()

      expect(await redisCommand(redis.port, 'GET key')).toBe(after)
      expect(await redisCommand(redis.port, 'CONFIG GET maxmemory-policy')).toBe('*2')
    } finally {
      await redis.stop()
    }
  })
})

/** Whether a process, or with a negative number a process group, exists. */
function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch {
    return false
  }
}
