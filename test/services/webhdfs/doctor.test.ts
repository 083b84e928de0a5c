import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import type { Finding } from '../../../src/fs/finding.js'
import type { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { jsonLines, type Outcome, pixelreduce, type RunSettings } from '../../run-command.js'
import { type Hdfs, startHdfs } from '../hdfs.js'
import { namesIn, openWebHdfs, writeFile } from './helpers.js'

interface Front {
  /** `webhdfs://user@host:port` */
  readonly uri: string
  readonly host: string
}

/**
 * A server before a NameNode that changes what it answers: the head, or the whole of it.
 * @param answersItself answers a request instead of the NameNode, and says so
 */
async function startFront(
  target: { httpUri: string; user: string },
  change: (headers: http.IncomingHttpHeaders) => void,
  answersItself: (url: URL, response: http.ServerResponse) => boolean = () => false,
): Promise<Front> {
  const server = http.createServer((request, response) => {
    const url = new URL(request.url!, target.httpUri)
    if (answersItself(url, response)) return
    const { method, headers } = request
    const onward = http.request(url, { method, headers, agent: false }, (answer) => {
      change(answer.headers)
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => request.socket.destroy())
    request.pipe(onward)
  })
  const port = await listening(server)
  return { uri: `webhdfs://${target.user}@127.0.0.1:${port}`, host: `127.0.0.1:${port}` }
}

async function listening(server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Puts another host into where the NameNode sends a request. */
function sendTo(host: string): (headers: http.IncomingHttpHeaders) => void {
  return (headers) => {
    if (!headers.location) return
    const location = new URL(headers.location)
    if (host.includes(':')) location.host = host
    else location.hostname = host
    headers.location = location.href
  }
}

/** The lines that are about HDFS. */
function hdfsLines({ out }: Outcome): string[] {
  const lines = out.trimEnd().split('\n')
  return lines.slice(lines.findIndex((line) => line.includes('NameNode ')))
}

describe('doctor', () => {
  let hdfs: Hdfs
  let fs: WebHdfsFileSystem
  const doctor = (uri: string, args: string[] = [], settings?: RunSettings) =>
    pixelreduce(['doctor', uri, ...args], settings)
  const dataNodeNames = () => hdfs.dataNodes.map(({ httpPort }) => `127.0.0.1:${httpPort}`).sort()

  beforeAll(async () => {
    hdfs = await startHdfs()
    fs = openWebHdfs(hdfs.webhdfsUri)
    await fs.mkdirs('/photos')
  })
  afterAll(() => hdfs?.stop())

  it('finds the cluster of the whole run well, through each of its DataNodes', async () => {
    const { webhdfsUri, httpUri, user } = inject('hdfs')
    const shared = openWebHdfs(webhdfsUri)
    await shared.mkdirs('/doctor')
    await writeFile(shared, '/doctor/cat.jpg', Buffer.from('x'))

    const outcome = await doctor(`${webhdfsUri}/doctor`)

    const trip = /^ok {3}DataNode 127\.0\.0\.1:\d+: written, read back and deleted in \d+ ms$/
    expect(hdfsLines(outcome)).toEqual([
      expect.stringMatching(new RegExp(`^ok {3}NameNode ${new URL(httpUri).host}: answers in \\d+ ms$`)),
      `ok   user: ${user}, from the URI`,
      expect.stringMatching(/^ok {3}Hadoop: 3\.\d+\.\d+$/),
      'ok   safe mode: off',
      expect.stringMatching(/^ok {3}clock: (at most a second|\d s) from that of /),
      'ok   folder /doctor: can be written',
      expect.stringMatching(trip),
      expect.stringMatching(trip),
    ])
    expect(outcome.stderr).toBe('doctor: 17 checks, all ok\n')
    expect(outcome.code).toBe(0)
    const file = await doctor(`${webhdfsUri}/doctor/cat.jpg`, ['--json'])
    expect(jsonLines<Finding>(file.out).map(({ check }) => check)).toContain('folder /doctor')
    expect(file.code).toBe(0)
    expect(await namesIn(shared, '/doctor')).toEqual(['cat.jpg'])
  })

  it('finds the cluster by hdfs:// through the configuration', async () => {
    const env = { HADOOP_CONF_DIR: hdfs.configuration, HADOOP_USER_NAME: hdfs.user }
    const outcome = await doctor('hdfs:///photos', [], { env })

    expect(hdfsLines(outcome)[1]).toBe(`ok   user: ${hdfs.user}, from HADOOP_USER_NAME`)
    expect(outcome.code).toBe(0)
  })

  it('says how to map DataNodes that have names which this machine does not know', async () => {
    const front = await startFront(hdfs, sendTo('datanode.invalid'))
    const uri = `${front.uri}/photos`

    const lost = await doctor(uri)
    const mapped = await doctor(uri, ['--datanode-map', 'datanode.invalid=127.0.0.1'])
    const wronglyMapped = await doctor(uri, [], {
      env: { PIXELREDUCE_DATANODE_MAP: 'datanode.invalid=127.0.0.1:1' },
    })

    for (const [i, name] of dataNodeNames().entries()) {
      const port = name.split(':')[1]
      const line = hdfsLines(lost)[6 + i]!
      expect(line).toContain(`FAIL DataNode ${name}: the NameNode calls it datanode.invalid:${port}, `)
      expect(line).toMatch(/can't be reached \(getaddrinfo E\w+ datanode\.invalid\)/)
      expect(line).toContain(`--datanode-map datanode.invalid:${port}=ADDRESS:${port} `)
      expect(line).toContain(`PIXELREDUCE_DATANODE_MAP=datanode.invalid:${port}=ADDRESS:${port}`)
      expect(hdfsLines(mapped)[6 + i]).toMatch(new RegExp(`^ok {3}DataNode ${name}: .*written, read back`))
      expect(hdfsLines(wronglyMapped)[6 + i]).toContain(
        `correct --datanode-map (or PIXELREDUCE_DATANODE_MAP), which leads from datanode.invalid:${port} to 127.0.0.1:1`,
      )
    }
    expect([lost.code, mapped.code, wronglyMapped.code]).toEqual([1, 0, 1])
    expect(await namesIn(fs, '/photos')).toEqual([])
  })

  it('tells a clock that is wrong, and a NameNode that is down while another serves', async () => {
    const front = await startFront(hdfs, (headers) => {
      headers.date = new Date(Date.now() - 3_600_000).toUTCString()
    })
    const outcome = await doctor(`webhdfs://${hdfs.user}@127.0.0.1:1,${front.host}/photos`)

    const lines = hdfsLines(outcome)
    expect(lines[0]).toMatch(
      /^note NameNode 127\.0\.0\.1:1: .*ECONNREFUSED.*; 127\.0\.0\.1:\d+ serves meanwhile.*; start the NameNode/,
    )
    expect(lines[1]).toMatch(/^ok {3}NameNode 127\.0\.0\.1:\d+: active, answers in \d+ ms$/)
    expect(lines[5]).toMatch(
      /^FAIL clock: this machine is (3599|3600|3601) s ahead of .*, at most 60 s are good; .*timedatectl/,
    )
    expect(outcome.code).toBe(1)
  })

  it('goes on without the metrics, one way only', async () => {
    const front = await startFront(
      hdfs,
      () => {},
      (url, response) => {
        if (url.pathname === '/jmx') response.writeHead(404).end()
        return url.pathname === '/jmx'
      },
    )
    const outcome = await doctor(`${front.uri}/photos`)

    const [, , version, clock, folder, dataNode, ...rest] = hdfsLines(outcome)
    expect(version).toMatch(/^note Hadoop: the server has no metrics of a NameNode at \/jmx, as HttpFS/)
    expect(clock).toMatch(/^ok {3}clock/)
    expect(folder).toBe('ok   folder /photos: can be written')
    expect(dataNode).toMatch(/^ok {3}DataNode 127\.0\.0\.1:\d+: written, read back and deleted/)
    expect(rest).toEqual([])
    expect(outcome.code).toBe(0)
  })

  it('notes a DataNode of another version and one that takes no new blocks', async () => {
    const [first, second] = dataNodeNames()
    const answer = await (
      await fetch(`${hdfs.httpUri}/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo`)
    ).json()
    const { beans } = answer as { beans: { LiveNodes: string }[] }
    const live = JSON.parse(beans[0]!.LiveNodes) as Record<string, Record<string, string>>
    for (const node of Object.values(live)) {
      if (node.infoAddr === first) node.version = '3.1.0'
      else node.adminState = 'Decommissioned'
    }
    beans[0]!.LiveNodes = JSON.stringify(live)
    const front = await startFront(
      hdfs,
      () => {},
      (url, response) => {
        if (url.pathname === '/jmx') response.end(JSON.stringify(answer))
        return url.pathname === '/jmx'
      },
    )
    const outcome = await doctor(`${front.uri}/photos`, ['--json'])

    const findings = jsonLines<Finding>(outcome.out)
    expect(findings.find(({ check }) => check === `DataNode ${first}`)).toMatchObject({
      ok: true,
      detail: expect.stringContaining('written, read back and deleted'),
      note: "its Hadoop is 3.1.0, the NameNode's 3.4.2",
    })
    expect(findings.find(({ check }) => check === `DataNode ${second}`)).toEqual({
      check: `DataNode ${second}`,
      ok: true,
      note: 'answers, but was not written to: it is Decommissioned',
    })
    expect(outcome.code).toBe(0)
  })

  it('says who may write a folder, and how to get one, and still looks for the DataNodes', async () => {
    const stranger = `webhdfs://stranger@${new URL(hdfs.httpUri).host}`
    const refused = await doctor(`${stranger}/photos`)
    const missing = await doctor(`${hdfs.webhdfsUri}/none`)

    expect(hdfsLines(refused)[5]).toMatch(
      /^FAIL folder \/photos: permission denied \(.*user=stranger.*\); come as its owner \(webhdfs:\/\/USER@HOST/,
    )
    expect(hdfsLines(refused)[6]).toMatch(
      /^note DataNode .*: answers, but was not written to: the folder can't be written$/,
    )
    expect(hdfsLines(missing)[5]).toMatch(
      /^FAIL folder \/none: there is no such file or folder .*; correct the path, or make it with "hdfs dfs -mkdir -p \/none"$/,
    )
    expect([refused.code, missing.code]).toEqual([1, 1])
    expect(await namesIn(fs, '/photos')).toEqual([])
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves nothing on HDFS after %s', async (signal) => {
    // It takes the bytes and never answers.
    const dataNode = http.createServer()
    const trying = once(dataNode, 'request')
    const front = await startFront(hdfs, sendTo(`127.0.0.1:${await listening(dataNode)}`))
    const bin = fileURLToPath(new URL('../../../dist/bin/pixelreduce.cjs', import.meta.url))
    const child = spawn(process.execPath, [bin, 'doctor', `${front.uri}/photos`], { stdio: 'ignore' })
    const ended = once(child, 'close')
    await trying
    expect(await namesIn(fs, '/photos')).toEqual([expect.stringMatching(/^\.pixelreduce-doctor-/)])

    child.kill(signal)

    expect(await ended).toEqual([signal === 'SIGINT' ? 130 : 143, null])
    expect(await namesIn(fs, '/photos')).toEqual([])
  })

  it('leaves nothing on HDFS when the reader of its lines has enough', async () => {
    const bin = fileURLToPath(new URL('../../../dist/bin/pixelreduce.cjs', import.meta.url))
    const child = spawn(process.execPath, [bin, 'doctor', `${hdfs.webhdfsUri}/photos`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const ended = once(child, 'exit')
    for await (const piece of child.stdout.setEncoding('utf8')) if (piece.includes('folder /photos')) break

    expect((await ended)[0]).toBe(0)
    expect(await namesIn(fs, '/photos')).toEqual([])
  })

  it('says that HDFS is in safe mode and how to end that', async () => {
    await hdfs.safemode('on')
    const outcome = await doctor(`${hdfs.webhdfsUri}/photos`)
    await hdfs.safemode('off')

    const lines = hdfsLines(outcome)
    expect(lines[3]).toMatch(
      /^FAIL safe mode: Safe mode is ON\. It was turned on manually.*; run "hdfs dfsadmin -safemode leave"/,
    )
    expect(lines[5]).toMatch(/^FAIL folder \/photos: HDFS is in safe mode/)
    expect(lines[6]).toMatch(/^note DataNode /)
    expect(outcome.code).toBe(1)
    expect(await namesIn(fs, '/photos')).toEqual([])
  })

  it('tells a DataNode that was killed, and the ones that the NameNode has given up', async () => {
    const victim = hdfs.dataNodes[0]!
    const [survivor] = dataNodeNames().filter((name) => !name.endsWith(`:${victim.httpPort}`))
    await victim.kill()

    const soon = await doctor(`${hdfs.webhdfsUri}/photos`)
    await hdfs.waitForLiveDataNodes(1)
    const later = await doctor(`${hdfs.webhdfsUri}/photos`)
    await victim.start()
    await hdfs.waitForLiveDataNodes(2)

    const name = `127.0.0.1:${victim.httpPort}`
    const line = hdfsLines(soon).find((each) => each.includes(`DataNode ${name}`))!
    expect(line).toMatch(
      /^FAIL DataNode .*ECONNREFUSED.*; start it if it is down, its last heartbeat was \d+ s ago/,
    )
    expect(line).toContain(`--datanode-map ${name}=ADDRESS:${victim.httpPort}`)
    expect(soon.out).toMatch(new RegExp(`^ok {3}DataNode ${survivor}: written`, 'm'))
    expect(soon.code).toBe(1)
    expect(hdfsLines(later).slice(6)).toEqual([
      expect.stringMatching(new RegExp(`^ok {3}DataNode ${survivor}: written`)),
      expect.stringMatching(/^note DataNodes: 1 dead: 127\.0\.0\.1:\d+; HDFS does without/),
    ])
    expect(later.code).toBe(0)
    expect(await namesIn(fs, '/photos')).toEqual([])
  })
})
