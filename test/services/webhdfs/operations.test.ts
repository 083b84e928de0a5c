import { rm } from 'node:fs/promises'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { cacheFolder } from '../build-once.js'
import { connectHdfs, type HdfsClient } from '../hdfs.js'
import { runCommand } from '../run-command.js'
import { digest, failureOf, namesIn, openWebHdfs, patternBytes, readFile, writeFile } from './helpers.js'
import { TcpProxy } from './tcp-proxy.js'

const folder = '/operations'

describe('WebHDFS', () => {
  let hdfs: HdfsClient
  let fs: WebHdfsFileSystem
  let port: string

  beforeAll(async () => {
    hdfs = connectHdfs(inject('hdfs'))
    port = new URL(hdfs.httpUri).port
    fs = openWebHdfs(hdfs.webhdfsUri)
    await fs.delete(folder, { recursive: true })
    await fs.mkdirs(folder)
  })
  afterAll(async () => {
    await fs.delete(folder, { recursive: true })
  })

  it('creates with block size, replication and permission, as the Hadoop shell sees them', async () => {
    const bytes = patternBytes(6_000_000)
    await writeFile(fs, `${folder}/five`, bytes, {
      blockSize: 5 * 1024 * 1024,
      replication: 1,
      permission: '640',
      durable: true,
    })

    const seen = await hdfs.fsShell(['-stat', '%o %r %a %b', `${folder}/five`])

    expect(seen.stdout.trim()).toBe('5242880 1 640 6000000')
    expect(await fs.stat(`${folder}/five`)).toMatchObject({
      blockSize: 5_242_880,
      replication: 1,
      permission: '640',
    })
    const blocks = await fs.blockLocations(`${folder}/five`, 0, 6_000_000)
    expect(blocks.map(({ start, length }) => [start, length])).toEqual([
      [0, 5_242_880],
      [5_242_880, 757_120],
    ])
    expect(blocks[0]!.hosts).toHaveLength(1)
    expect(digest(await readFile(fs, `${folder}/five`))).toBe(digest(bytes))
  })

  it('is read by the Hadoop shell, whatever is in a name', async () => {
    const names = ['100% #1?+&=;a b', 'ä€😀', 'quo\'te"s', '%2F', 'a+b', '[x]{y}', '\\back']
    for (const name of names) await writeFile(fs, `${folder}/${name}`, Buffer.from(name))
    for (const name of names) expect((await readFile(fs, `${folder}/${name}`)).toString()).toBe(name)
    await fs.mkdir(`${folder}/names`)
    for (const name of names) await fs.rename(`${folder}/${name}`, `${folder}/names/${name}`)
    expect((await namesIn(fs, `${folder}/names`)).sort()).toEqual([...names].sort())

    const listed = await hdfs.fsShell(['-ls', '-C', `${folder}/names`], {
      environment: { LC_ALL: 'C.UTF-8' },
    })

    for (const name of names.filter((each) => /^[ -~]*$/.test(each))) {
      expect(listed.stdout).toContain(`${folder}/names/${name}\n`)
    }
  })

  it('appends, and finds the checksum that Hadoop finds', async () => {
    await writeFile(fs, `${folder}/log`, Buffer.from('one\n'))
    const sink = await fs.append(`${folder}/log`)
    await sink.write(Buffer.from('two\n'))
    await sink.close()

    expect((await readFile(fs, `${folder}/log`)).toString()).toBe('one\ntwo\n')
    const shell = await hdfs.fsShell(['-checksum', `${folder}/log`])
    const { algorithm, bytes } = await fs.checksum(`${folder}/log`)
    expect(shell.stdout).toContain(algorithm)
    expect(shell.stdout.trim().split(/\s+/).at(-1)).toBe(
      bytes.slice(0, shell.stdout.trim().split(/\s+/).at(-1)!.length),
    )
    const missing = await failureOf(fs.append(`${folder}/none`).then((none) => none.close()))
    expect(missing).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('reads a large value as several ranges at once', async () => {
    const bytes = patternBytes(7_000_001)
    await writeFile(fs, `${folder}/large`, bytes)
    await using source = await openWebHdfs(hdfs.webhdfsUri, {
      largeReadBytes: 1_000_000,
      parallelReads: 3,
    }).open(`${folder}/large`)
    expect(digest(await source.read(1, 7_000_000))).toBe(digest(bytes.subarray(1, 7_000_000)))
  })

  it('says what forbids it, with the class of Java and the status', async () => {
    const alice = openWebHdfs(`webhdfs://alice@127.0.0.1:${port}`)
    const denied = { code: 'PERMISSION', retriable: false }
    const details = { javaClass: 'org.apache.hadoop.security.AccessControlException', status: 403 }

    const failures = [
      await failureOf(alice.create(`${folder}/hers`)),
      await failureOf(alice.mkdir(`${folder}/hers`)),
      await failureOf(alice.delete(`${folder}/five`)),
      await failureOf(alice.rename(`${folder}/five`, `${folder}/hers`)),
    ]

    for (const failure of failures) {
      expect(failure).toMatchObject({ ...denied, details })
      expect(failure.message).toMatch(/^Cannot .* \/operations\/.*: permission denied \(.*user=alice/)
      expect(failure.message).not.toContain('\n')
    }
    expect(await fs.stat(`${folder}/five`)).toMatchObject({ length: 6_000_000 })
    await hdfs.fsShell(['-chmod', '000', `${folder}/five`])
    expect(await failureOf(readFile(alice, `${folder}/five`))).toMatchObject(denied)
  })

  it('tells a name that HDFS does not allow, a user that it refuses, and a port of something else', async () => {
    expect(await failureOf(fs.create(`${folder}/a:b`))).toMatchObject({
      code: 'FILE_SYSTEM',
      retriable: false,
    })
    const stranger = openWebHdfs(`webhdfs://no%20body@127.0.0.1:${port}`)
    expect((await failureOf(stranger.stat('/'))).message).toContain('user.name')
    const dataNode = openWebHdfs(inject('hdfs').fsUri.replace('hdfs:', 'webhdfs:'), { retryForMs: 0 })
    expect(await failureOf(dataNode.stat('/'))).toMatchObject({ name: expect.stringMatching(/Error$/) })
  })

  it('finds that an open file is gone or shorter', async () => {
    await writeFile(fs, `${folder}/gone`, patternBytes(600_000))
    const source = await fs.open(`${folder}/gone`)
    await source.read(0, 10)
    await fs.delete(`${folder}/gone`)
    expect(await failureOf(source.read(0, 10))).toMatchObject({ code: 'NOT_FOUND' })
    await writeFile(fs, `${folder}/gone`, Buffer.from('short'))
    expect(await failureOf(source.read(0, 10))).toMatchObject({ code: 'TRUNCATED' })
    expect(await failureOf(source.read(50_000, 50_010))).toMatchObject({ code: 'TRUNCATED' })
  })

  it('goes on reading a small file as it was, once it has read of it', async () => {
    await writeFile(fs, `${folder}/small`, patternBytes(100_000))
    const source = await fs.open(`${folder}/small`)
    await source.read(0, 10)
    await fs.delete(`${folder}/small`)
    expect(digest(await source.read(50_000, 100_000))).toBe(digest(patternBytes(100_000).subarray(50_000)))
    const streamed: Uint8Array[] = []
    for await (const piece of source.stream(10, 20)) streamed.push(piece)
    expect(digest(Buffer.concat(streamed))).toBe(digest(patternBytes(100_000).subarray(10, 20)))
  })

  it('lets one of several exclusive creates win', async () => {
    const rivals = Array.from({ length: 6 }, async (_, i) => {
      await writeFile(fs, `${folder}/epoch`, Buffer.from(`rival ${i}`))
      return i
    })
    const outcomes = await Promise.allSettled(rivals)

    const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    expect(winners).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason.code).toMatch(/ALREADY_EXISTS|LEASE_CONFLICT/)
    }
    expect((await readFile(fs, `${folder}/epoch`)).toString()).toBe(`rival ${winners[0]!.value}`)
  })

  it('goes on to the NameNode that answers', async () => {
    const dead = await TcpProxy.start(1)
    const twoNameNodes = openWebHdfs(`webhdfs://${hdfs.user}@127.0.0.1:${dead.port},127.0.0.1:${port}`)
    await dead.stop()

    await writeFile(twoNameNodes, `${folder}/ha`, Buffer.from('ha'))

    expect((await readFile(twoNameNodes, `${folder}/ha`)).toString()).toBe('ha')
  })

  it('names its limit when no NameNode answers', async () => {
    const silent = await TcpProxy.start(Number(port))
    silent.stalled = true
    const limits = { answerTimeoutMs: 300, connectTimeoutMs: 300, retryForMs: 1000 }
    const error = await failureOf(openWebHdfs(`webhdfs://a@127.0.0.1:${silent.port}`, limits).stat('/'))
    await silent.stop()
    expect(error).toMatchObject({ code: 'TIMEOUT', retriable: true })
    expect(error.message).toContain('did not answer within 300 ms')
    const refused = await failureOf(openWebHdfs(`webhdfs://a@127.0.0.1:${silent.port}`, limits).stat('/'))
    expect(refused).toMatchObject({ code: 'CONNECTION', retriable: true, details: { sent: false } })
    expect(refused.message).toMatch(/can't be reached .*; \d+ attempts in \d+ ms, the limit is 100 ms/)
  })

  it('keeps no process running, and its memory flat over a long read', async () => {
    await writeFile(fs, `${folder}/long`, patternBytes(64_000_000), {
      replication: 1,
      blockSize: 64 * 1024 * 1024,
    })
    // Where it finds the packages.
    const script = `${cacheFolder}/webhdfs-read-${process.pid}.mjs`
    await build({
      stdin: {
        contents: `
          import { resolveUri } from './src/fs/resolve.ts'
          const { fs, path } = resolveUri(process.argv[2])
          const source = await fs.open(path)
          let total = 0, early = 0
          for (let round = 0; round < 6; round++) {
            for await (const piece of source.stream(0)) {
              total += piece.length
              if (total < 100_000_000) early = Math.max(early, process.memoryUsage.rss())
            }
          }
          process.stdout.write(JSON.stringify({ total, grownBytes: process.resourceUsage().maxRSS * 1024 - early }))`,
        resolveDir: process.cwd(),
        loader: 'ts',
      },
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      outfile: script,
    })

    const result = await runCommand(process.execPath, [script, `${hdfs.webhdfsUri}${folder}/long`])

    expect(result).toMatchObject({ code: 0, stderr: '' })
    const { total, grownBytes } = JSON.parse(result.stdout)
    expect(total).toBe(384_000_000)
    expect(grownBytes).toBeLessThan(60_000_000)
    await rm(script)
  })
})
