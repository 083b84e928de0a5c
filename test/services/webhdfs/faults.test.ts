import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { compareUtf8 } from '../../../src/fs/path.js'
import type { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { type Hdfs, startHdfs } from '../hdfs.js'
import { waitUntil } from '../wait-until.js'
import { digest, failureOf, namesIn, openWebHdfs, patternBytes, readFile, writeFile } from './helpers.js'

const bytes = patternBytes(24_000_000)
const limits = { answerTimeoutMs: 4000, idleTimeoutMs: 4000, connectTimeoutMs: 2000 }

describe('WebHDFS while the cluster fails', () => {
  let hdfs: Hdfs
  let fs: WebHdfsFileSystem

  beforeAll(async () => {
    hdfs = await startHdfs({
      dataNodes: 2,
      blockSize: 1 << 20,
      properties: {
        // A DataNode that serves us reads through Hadoop's client, here from either replica: it must not wait
        // for a minute for a hanging one.
        'dfs.client.socket-timeout': '700',
        'dfs.namenode.avoid.read.stale.datanode': 'true',
        // Entries of one batch of a listing.
        'dfs.ls.limit': '7',
      },
    })
    fs = openWebHdfs(hdfs.webhdfsUri, limits)
    await fs.mkdirs('/data')
    await writeFile(fs, '/data/file', bytes)
  })
  afterAll(() => hdfs?.stop())
  afterEach(async () => {
    await Promise.all(
      hdfs.dataNodes.map(async (dataNode) => {
        await dataNode.kill('SIGCONT')
        if (!dataNode.running) await dataNode.start()
      }),
    )
    await hdfs.waitForLiveDataNodes(2)
    // Nobody failed as far as a new file system knows.
    fs = openWebHdfs(hdfs.webhdfsUri, limits)
  })

  it('lists in batches, in the order of UTF-8 bytes', async () => {
    const names = [
      'a',
      'b',
      'ä',
      'aä',
      'ab',
      'ö',
      'z',
      '\u{1f600}',
      'zz',
      'c',
      'cä',
      'd',
      '\uffee',
      'e',
      'f',
      'f+',
      'f#1',
    ]
    for (const name of names) await fs.mkdirs(`/names/${name}`)

    expect(await namesIn(fs, '/names')).toEqual([...names].sort(compareUtf8))
  })

  it('reads on when the DataNode that serves the stream is killed', async () => {
    for (const victim of hdfs.dataNodes) {
      await using source = await fs.open('/data/file')
      const pieces: Uint8Array[] = []
      for await (const piece of source.stream(0)) {
        pieces.push(piece)
        if (pieces.length === 3) await victim.kill('SIGKILL')
      }
      expect(digest(Buffer.concat(pieces))).toBe(digest(bytes))
      await victim.start()
    }
  })

  it('reads, creates and appends while the NameNode still names a DataNode that is dead', async () => {
    await hdfs.dataNodes[0]!.kill('SIGKILL')
    for (let i = 0; i < 6; i++) {
      const fresh = openWebHdfs(hdfs.webhdfsUri, limits)
      expect(digest(await readFile(fresh, '/data/file'))).toBe(digest(bytes))
      await writeFile(fresh, `/data/between-${i}`, Buffer.from('written'), { replication: 1 })
      expect((await readFile(fresh, `/data/between-${i}`)).toString()).toBe('written')
    }
  })

  it('fails a write whose DataNode is killed, leaves no file, and succeeds when tried again', async () => {
    for (const victim of hdfs.dataNodes) {
      const sink = await fs.create('/data/written')
      const writing = (async () => {
        for (let at = 0; at < bytes.length; at += 1_000_000) {
          await sink.write(bytes.subarray(at, at + 1_000_000))
          if (at === 8_000_000) await victim.kill('SIGKILL')
        }
        await sink.close()
      })()
      const outcome = await writing.catch((error) => error)
      // The other DataNode of the two is only in the pipeline, which HDFS mends.
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ retriable: true })
        expect(outcome.message).toContain('/data/written')
        expect(await namesIn(fs, '/data')).not.toContain('written')
        await writeFile(openWebHdfs(hdfs.webhdfsUri, limits), '/data/written', bytes)
      }
      expect(digest(await readFile(fs, '/data/written'))).toBe(digest(bytes))
      await fs.delete('/data/written')
      await victim.start()
      await hdfs.waitForLiveDataNodes(2)
      fs = openWebHdfs(hdfs.webhdfsUri, limits)
    }
    const sink = await fs.create('/data/written')
    await sink.write(bytes.subarray(0, 2_000_000))
    await Promise.all(hdfs.dataNodes.map((dataNode) => dataNode.kill('SIGKILL')))
    const error = await failureOf(Promise.resolve(sink.write(bytes)).then(() => sink.close()))
    expect(error).toMatchObject({ code: 'CONNECTION', retriable: true })
    expect(await namesIn(fs, '/data')).not.toContain('written')
  })

  it('leaves a DataNode that hangs for another one, within its limits', async () => {
    await hdfs.dataNodes[0]!.kill('SIGSTOP')
    const fresh = openWebHdfs(hdfs.webhdfsUri, { ...limits, answerTimeoutMs: 2500, idleTimeoutMs: 2500 })

    for (let i = 0; i < 3; i++) {
      await using source = await fresh.open('/data/file')
      expect(digest(await source.read(0, 1_000_000))).toBe(digest(bytes.subarray(0, 1_000_000)))
    }
  })

  it('names its limit when every DataNode hangs, in the middle of a stream and of a write', async () => {
    const short = openWebHdfs(hdfs.webhdfsUri, {
      ...limits,
      answerTimeoutMs: 700,
      idleTimeoutMs: 700,
      readAttempts: 2,
    })
    const source = await short.open('/data/file')
    const sink = await short.create('/data/hanging')
    const reading = (async () => {
      let count = 0
      for await (const _ of source.stream(0)) {
        if (++count === 2) await Promise.all(hdfs.dataNodes.map((dataNode) => dataNode.kill('SIGSTOP')))
      }
    })()
    const read = await failureOf(reading)
    const written = await failureOf(
      (async () => {
        for (let round = 0; round < 3; round++) {
          for (let at = 0; at < bytes.length; at += 1_000_000) {
            await sink.write(bytes.subarray(at, at + 1_000_000))
          }
        }
        await sink.close()
      })(),
    )
    expect(read).toMatchObject({ code: 'TIMEOUT', retriable: true })
    expect(read.message).toMatch(/700 ms; stopped at byte \d+ of 24000000/)
    expect(written).toMatchObject({ code: 'TIMEOUT', retriable: true, details: { timeoutMs: 700 } })
    expect(await namesIn(fs, '/data')).not.toContain('hanging')
  })

  it('reads on while the NameNode is restarted, and waits for it where it needs it', async () => {
    await using source = await fs.open('/data/file')
    const pieces: Uint8Array[] = []
    let restarting: Promise<void> | undefined
    for await (const piece of source.stream(0)) {
      pieces.push(piece)
      if (pieces.length !== 2) continue
      await hdfs.nameNode.kill('SIGKILL')
      restarting = hdfs.nameNode.start()
    }
    expect(digest(Buffer.concat(pieces))).toBe(digest(bytes))

    const status = await fs.stat('/data/file')
    await writeFile(fs, '/data/after', Buffer.from('after'))

    expect(status.length).toBe(bytes.length)
    expect((await readFile(fs, '/data/after')).toString()).toBe('after')
    await restarting
  })

  it('says that HDFS is in safe mode, and reads in it', async () => {
    // A NameNode that was restarted and knows no DataNode yet says that instead.
    await hdfs.waitForLiveDataNodes(hdfs.dataNodes.length)
    await waitUntil('a file can be made', async () => {
      return writeFile(fs, '/data/ready', Buffer.from('x')).then(
        () => true,
        () => false,
      )
    })
    await hdfs.safemode('on')
    const failures = [
      await failureOf(fs.create('/data/safe')),
      await failureOf(fs.mkdirs('/data/safe')),
      await failureOf(fs.rename('/data/file', '/data/safe')),
      await failureOf(fs.delete('/data/file')),
    ]
    expect(digest(await readFile(fs, '/data/file'))).toBe(digest(bytes))
    await hdfs.safemode('off')

    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'SAFE_MODE', retriable: true })
      expect(failure.message).toContain('HDFS is in safe mode')
    }
    await writeFile(fs, '/data/safe', Buffer.from('x'))
  })

  it('says which quota is used up, and leaves no file', async () => {
    await fs.mkdirs('/full')
    await hdfs.setQuota('/full', { spaceBytes: 8 << 20 })
    for (let i = 0; i < 5; i++) {
      const error = await failureOf(writeFile(fs, '/full/file', bytes))
      expect(error).toMatchObject({ code: 'STORAGE_FULL', retriable: false })
      expect(error.message).toMatch(/quota of space is used up \(.*\/full/)
      expect(await namesIn(fs, '/full')).toEqual([])
    }
    await hdfs.setQuota('/full', { spaceBytes: null, names: 2 })
    await writeFile(fs, '/full/one', Buffer.from('1'))
    expect(await failureOf(fs.create('/full/two'))).toMatchObject({ code: 'STORAGE_FULL' })
    expect(await failureOf(fs.mkdir('/full/two'))).toMatchObject({ code: 'STORAGE_FULL' })
    expect(await namesIn(fs, '/full')).toEqual(['one'])
  })

  it('tells a failed append from a file that another client is writing', async () => {
    await writeFile(fs, '/data/log', Buffer.from('one'))
    const first = await fs.append('/data/log')
    // More than what fits on the way: the DataNode has begun to write.
    for (let at = 0; at < bytes.length; at += 1_000_000) await first.write(bytes.subarray(at, at + 1_000_000))

    const error = await failureOf(fs.append('/data/log').then((second) => second.close()))

    expect(error).toMatchObject({ code: 'LEASE_CONFLICT', retriable: true })
    await first.close()
    expect((await fs.stat('/data/log')).length).toBe(3 + bytes.length)
  })
})
