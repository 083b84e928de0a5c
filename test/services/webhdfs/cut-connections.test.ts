import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { waitUntil } from '../wait-until.js'
import { digest, failureOf, namesIn, openWebHdfs, patternBytes, readFile, writeFile } from './helpers.js'
import { TcpProxy } from './tcp-proxy.js'

const folder = '/cut-connections'
const bytes = patternBytes(3_000_000)

describe('WebHDFS through a connection that breaks off', () => {
  let plain: WebHdfsFileSystem
  let fs: WebHdfsFileSystem
  const proxies: TcpProxy[] = []

  /** All DataNodes behind relays. */
  beforeAll(async () => {
    const { webhdfsUri, httpUri } = inject('hdfs')
    plain = openWebHdfs(webhdfsUri)
    await plain.mkdirs(folder)
    await writeFile(plain, `${folder}/file`, bytes)
    const dataNodeMap: Record<string, string> = {}
    const metrics = await fetch(`${httpUri}/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo`)
    const { beans } = (await metrics.json()) as { beans: { LiveNodes: string }[] }
    const live = JSON.parse(beans[0]!.LiveNodes) as Record<string, { infoAddr: string }>
    for (const { infoAddr } of Object.values(live)) {
      const proxy = await TcpProxy.start(Number(infoAddr.split(':')[1]))
      proxies.push(proxy)
      dataNodeMap[infoAddr] = `127.0.0.1:${proxy.port}`
    }
    fs = openWebHdfs(webhdfsUri, { dataNodeMap, idleTimeoutMs: 1000, answerTimeoutMs: 1000 })
  })
  afterAll(async () => {
    await plain.delete(folder, { recursive: true })
    await Promise.all(proxies.map((proxy) => proxy.stop()))
  })

  function cut(afterBytes: number[], reset = true): void {
    for (const proxy of proxies) {
      proxy.cuts.splice(0, Number.POSITIVE_INFINITY, ...afterBytes)
      proxy.reset = reset
    }
  }

  const points = [
    0, 1, 17, 200, 236, 300, 1000, 65_536, 100_001, 999_999, 1_048_576, 1_500_000, 2_999_000, 3_000_100,
  ]
  it.each([true, false])('reads on where it stopped, wherever that is (reset: %s)', async (reset) => {
    for (const point of points) {
      cut([point], reset)
      expect(digest(await readFile(fs, `${folder}/file`)), `cut after ${point}`).toBe(digest(bytes))
    }
  })

  it('reads on after several breaks in a row', async () => {
    // Not reset: that drops what was sent and not read yet, so that nobody knows how far a cut let it come.
    cut([70_000, 300, 0, 200_000], false)
    expect(digest(await readFile(fs, `${folder}/file`))).toBe(digest(bytes))
  })

  it('gives up after a limited number of attempts, with path and offset', async () => {
    cut(Array.from({ length: 100 }, () => 1000))
    const before = proxies.reduce((sum, proxy) => sum + proxy.connections, 0)

    const error = await failureOf(readFile(fs, `${folder}/file`))

    expect(error).toMatchObject({ code: 'CONNECTION', retriable: true })
    expect(error.message).toContain(`${folder}/file`)
    expect(error.message).toMatch(/stopped at byte \d+ of 3000000 after 6 attempts/)
    expect(proxies.reduce((sum, proxy) => sum + proxy.connections, 0) - before).toBe(6)
    cut([])
  })

  it('names its limit when a DataNode stops sending, and tries another one first', async () => {
    for (const proxy of proxies) proxy.stalled = true

    const error = await failureOf(readFile(fs, `${folder}/file`))

    expect(error).toMatchObject({ code: 'TIMEOUT', retriable: true, details: { timeoutMs: 1000 } })
    expect(error.message).toContain('did not answer within 1000 ms')
    for (const proxy of proxies) proxy.stalled = false
    expect(digest(await readFile(fs, `${folder}/file`))).toBe(digest(bytes))
  }, 30_000)

  it('closes the socket at once when a stream is aborted or left', async () => {
    await using source = await fs.open(`${folder}/file`)
    const stop = new AbortController()
    const open = () => proxies.reduce((sum, proxy) => sum + proxy.openConnections, 0)
    const reading = (async () => {
      for await (const _ of source.stream(0, undefined, { signal: stop.signal })) {
        expect(open()).toBe(1)
        stop.abort(new Error('enough'))
      }
    })()

    await expect(reading).rejects.toThrow('enough')

    await waitUntil('the socket closes', async () => open() === 0, { deadlineMs: 1000, intervalMs: 5 })
    for await (const _ of source.stream(0)) break
    await waitUntil('the socket closes', async () => open() === 0, { deadlineMs: 1000, intervalMs: 5 })
  })

  it('reads a known block in one round trip, and asks again when the file has changed', async () => {
    const nameNode = await TcpProxy.start(Number(new URL(inject('hdfs').httpUri).port))
    const known = openWebHdfs(`webhdfs://${inject('hdfs').user}@127.0.0.1:${nameNode.port}`)
    await using source = await known.open(`${folder}/file`)
    await source.read(0, 65_536)
    nameNode.bytes = 0

    const again = await source.read(100, 65_636)

    expect(digest(again)).toBe(digest(bytes.subarray(100, 65_636)))
    expect(nameNode.bytes).toBe(0)
    await source.read(2_100_000, 2_165_536) // another block: the NameNode chooses
    expect(nameNode.bytes).toBeGreaterThan(0)
    await known.delete(`${folder}/changing`)
    await writeFile(known, `${folder}/changing`, Buffer.from('old'))
    expect((await readFile(known, `${folder}/changing`)).toString()).toBe('old')
    await plain.delete(`${folder}/changing`)
    await writeFile(plain, `${folder}/changing`, Buffer.from('new!'))
    expect((await readFile(known, `${folder}/changing`)).toString()).toBe('new!')
    await nameNode.stop()
  })

  it('does not read more than a little ahead of a slow consumer', async () => {
    await writeFile(plain, `${folder}/long`, patternBytes(40_000_000))
    await using source = await fs.open(`${folder}/long`)
    for (const proxy of proxies) proxy.bytes = 0
    const stream = source.stream(0)[Symbol.asyncIterator]()
    await stream.next()
    let last = -1
    const passed = () => proxies.reduce((sum, proxy) => sum + proxy.bytes, 0)
    await waitUntil(
      'the flow stops',
      async () => {
        const before = last
        last = passed()
        return before === last
      },
      { intervalMs: 200 },
    )
    expect(passed()).toBeLessThan(30_000_000)
    await stream.return?.()
  })

  it('removes the file of a write that breaks off, and throws', async () => {
    for (const sent of [0, 25, 26]) {
      cut([sent])
      const error = await failureOf(writeFile(fs, `${folder}/broken`, bytes))
      expect(['CONNECTION', 'TIMEOUT'], `cut after ${sent}`).toContain(error.code)
      expect(error.message).toContain(`${folder}/broken`)
    }
    cut([])
    await waitUntil('it is gone', async () => !(await namesIn(plain, folder)).includes('broken'))
    await writeFile(fs, `${folder}/broken`, bytes)
    expect(digest(await readFile(fs, `${folder}/broken`))).toBe(digest(bytes))
  })
})
