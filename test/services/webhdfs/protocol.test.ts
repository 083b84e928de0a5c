import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile as readLocal, rm } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import { HadoopConfiguration, propertiesIn } from '../../../src/fs/hadoop-configuration.js'
import { compareUtf8 } from '../../../src/fs/path.js'
import { resolveUri } from '../../../src/fs/resolve.js'
import { dataNodeMapOf } from '../../../src/fs/webhdfs/options.js'
import { inUtf8Order } from '../../../src/fs/webhdfs/utf8-order.js'
import { parseWebHdfsUri, rootOf } from '../../../src/fs/webhdfs/webhdfs-uri.js'
import { failureOf, openWebHdfs, readFile, writeFile } from './helpers.js'

const fileStatus = {
  FileStatus: {
    pathSuffix: '',
    type: 'FILE',
    length: 5,
    modificationTime: 7,
    blockSize: 1024,
    replication: 1,
  },
}

type Answer = (request: http.IncomingMessage, url: URL, response: http.ServerResponse) => void

/** A server that answers what a test says, for servers that can't be had here. */
async function serve(answer: Answer, secure?: https.ServerOptions): Promise<{ host: string; asked: URL[] }> {
  const asked: URL[] = []
  const listener = (request: http.IncomingMessage, response: http.ServerResponse) => {
    const url = new URL(request.url!, 'http://server')
    asked.push(url)
    answer(request, url, response)
  }
  const server = secure ? https.createServer(secure, listener) : http.createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

function refuse(response: http.ServerResponse, status: number, javaClassName: string, message: string): void {
  const exception = javaClassName.split('.').at(-1)
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ RemoteException: { exception, javaClassName, message } }))
}

describe('WebHDFS, what a cluster here can not show', () => {
  it('leaves a standby for the active NameNode, and remembers which that is', async () => {
    const standby = await serve((_request, _url, response) =>
      refuse(
        response,
        403,
        'org.apache.hadoop.ipc.StandbyException',
        'Operation category READ is not supported',
      ),
    )
    const port = new URL(inject('hdfs').httpUri).port
    const fs = openWebHdfs(`webhdfs://${inject('hdfs').user}@${standby.host},127.0.0.1:${port}`)

    await fs.delete('/standby')
    await writeFile(fs, '/standby', Buffer.from('active'))

    expect((await readFile(fs, '/standby')).toString()).toBe('active')
    expect(standby.asked).toHaveLength(1)
    await fs.delete('/standby')
    const alone = openWebHdfs(`webhdfs://a@${standby.host}`, { retryForMs: 500 })
    expect(await failureOf(alone.stat('/'))).toMatchObject({ code: 'STANDBY', retriable: true })
  })

  it('is read and written in one hop through HttpFS', async () => {
    const received: Buffer[] = []
    let exists = false
    const server = await serve(async (request, url, response) => {
      const op = url.searchParams.get('op')
      if (op === 'OPEN') return response.end('01234'.slice(Number(url.searchParams.get('offset'))))
      if (op === 'CREATE' && !url.searchParams.has('data')) {
        const location = `http://${request.headers.host}${request.url}&data=true`
        return response.writeHead(307, { location }).end()
      }
      if (op === 'CREATE') {
        exists = true
        for await (const chunk of request) received.push(chunk as Buffer)
        return response.writeHead(201).end()
      }
      if (url.pathname.endsWith('/new') && !exists) {
        return refuse(response, 404, 'java.io.FileNotFoundException', 'File does not exist')
      }
      response.end(JSON.stringify(fileStatus))
    })
    const fs = openWebHdfs(`webhdfs://a@${server.host}`)

    const source = await fs.open('/old')
    expect(Buffer.from(await source.read(1, 4)).toString()).toBe('123')
    await writeFile(fs, '/new', Buffer.from('written'))

    expect(Buffer.concat(received).toString()).toBe('written')
  })

  it('shows a delegation token instead of a name', async () => {
    const server = await serve((_request, url, response) =>
      url.searchParams.get('delegation') === 'token'
        ? response.end(JSON.stringify(fileStatus))
        : refuse(response, 401, 'java.lang.SecurityException', 'Failed to obtain user group information'),
    )
    vi.stubEnv('HADOOP_TOKEN', 'token,another')
    await openWebHdfs(`webhdfs://a@${server.host}`).stat('/')
    vi.stubEnv('HADOOP_TOKEN', '')
    const error = await failureOf(openWebHdfs(`webhdfs://a@${server.host}`).stat('/'))

    expect(server.asked.map((url) => url.searchParams.get('user.name'))).toEqual([null, 'a'])
    expect(error).toMatchObject({ code: 'AUTHENTICATION', retriable: false })
  })

  it('speaks TLS', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pixelreduce-tls-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const store = join(folder, 'store.p12')
    const keytool = promisify(execFile)
    const shared = ['-keystore', store, '-storepass', 'secret', '-alias', 'server']
    await keytool('keytool', [
      '-genkeypair',
      ...shared,
      '-storetype',
      'PKCS12',
      '-keyalg',
      'RSA',
      '-dname',
      'CN=nn',
      '-ext',
      'SAN=ip:127.0.0.1',
    ])
    const { stdout: ca } = await keytool('keytool', ['-exportcert', '-rfc', ...shared])
    const server = await serve(
      (_request, url, response) =>
        response.end(url.searchParams.get('op') === 'OPEN' ? '01234' : JSON.stringify(fileStatus)),
      { pfx: await readLocal(store), passphrase: 'secret' },
    )

    const fs = openWebHdfs(`swebhdfs://a@${server.host}`, { tls: { ca } })

    expect((await readFile(fs, '/file')).toString()).toBe('01234')
    const distrustful = openWebHdfs(`swebhdfs://a@${server.host}`, { retryForMs: 0 })
    expect((await failureOf(distrustful.stat('/'))).message).toMatch(/certificate/)
  })

  it('falls back on older operations', async () => {
    const server = await serve((_request, url, response) => {
      const op = url.searchParams.get('op')!
      if (op === 'LISTSTATUS') {
        const status = { ...fileStatus.FileStatus, pathSuffix: 'old' }
        return response.end(JSON.stringify({ FileStatuses: { FileStatus: [status] } }))
      }
      if (op === 'GET_BLOCK_LOCATIONS') {
        const block = { startOffset: 0, block: { numBytes: 5 }, locations: [{ hostName: 'dn1' }] }
        return response.end(JSON.stringify({ LocatedBlocks: { locatedBlocks: [block] } }))
      }
      refuse(
        response,
        400,
        'java.lang.IllegalArgumentException',
        `Invalid value for webhdfs parameter "op": ${op}`,
      )
    })
    const fs = openWebHdfs(`webhdfs://a@${server.host}`)
    const names: string[] = []
    for (let i = 0; i < 2; i++) for await (const status of fs.list('/')) names.push(status.path)

    expect(names).toEqual(['/old', '/old'])
    expect(await fs.blockLocations('/old', 0, 5)).toEqual([{ start: 0, length: 5, hosts: ['dn1'] }])
    expect(server.asked.filter((url) => url.searchParams.get('op') === 'LISTSTATUS_BATCH')).toHaveLength(1)
  })

  it("brings a listing from HDFS's order into that of UTF-8 bytes", async () => {
    const signed = (a: string, b: string) => {
      const [x, y] = [new Int8Array(Buffer.from(a)), new Int8Array(Buffer.from(b))]
      for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i]! - y[i]!
      return x.length - y.length
    }
    const name = fc.string({
      minLength: 1,
      maxLength: 4,
      unit: fc.constantFrom('a', 'b', '-', 'ä', '\uffee', '😀'),
    })
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name), async (names) => {
        const listing = (async function* () {
          for (const each of [...names].sort(signed)) yield { path: `/f/${each}` }
        })()
        const ordered: string[] = []
        for await (const { path } of inUtf8Order(listing)) ordered.push(path.slice(3))
        expect(ordered).toEqual([...names].sort(compareUtf8))
      }),
    )
  })
})

describe('Where HDFS is', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('is read from a webhdfs URI', () => {
    const parse = (uri: string) => parseWebHdfsUri(uri, { HADOOP_USER_NAME: 'env' })
    expect(parse('webhdfs://ann@nn1:1,nn2/a//b/../c#%20?/')).toEqual({
      address: { secure: false, nameNodes: ['nn1:1', 'nn2:9870'], user: 'ann', userInUri: true },
      path: '/a/c#%20?',
    })
    expect(rootOf(parse('swebhdfs://nn').address)).toBe('swebhdfs://nn:9871')
    expect(parse('webhdfs://nn').address.user).toBe('env')
    for (const wrong of ['webhdfs://', 'webhdfs:///x', 'webhdfs://@nn/', 'webhdfs://a b/']) {
      expect(() => parse(wrong), wrong).toThrow('it is no URI such as')
    }
    expect(dataNodeMapOf('dn1=10.0.0.1:50075, dn2=h')).toEqual({ dn1: '10.0.0.1:50075', dn2: 'h' })
    expect(() => dataNodeMapOf('dn1')).toThrow('"dn1" is not of the form')
  })

  it('is found for hdfs:// through the configuration of the running cluster', async () => {
    vi.stubEnv('HADOOP_CONF_DIR', inject('hdfs').configuration)
    vi.stubEnv('HADOOP_USER_NAME', inject('hdfs').user)
    const port = new URL(inject('hdfs').httpUri).port

    for (const uri of ['hdfs:///', `${inject('hdfs').fsUri}/`]) {
      const { fs, path } = resolveUri(uri)
      expect(fs.root + path).toBe(`webhdfs://127.0.0.1:${port}/`)
      expect(await fs.stat(path)).toMatchObject({ type: 'directory' })
    }
    expect(resolveUri('hdfs:///a').fs).toBe(resolveUri('hdfs:///b').fs)
    vi.stubEnv('HADOOP_CONF_DIR', tmpdir())
    expect(() => resolveUri('hdfs:///')).toThrow('HADOOP_CONF_DIR is')
  })

  it('is found for a name service with two NameNodes', () => {
    const xml = `<configuration><!-- <property><name>dfs.nameservices</name><value>no</value></property> -->
      <property><name>dfs.nameservices</name><value> photos , other </value></property>
      <property><name>fs.defaultFS</name><value>hdfs://photos</value></property>
      <property><name>dfs.ha.namenodes.photos</name><value>nn1,nn2</value><final>true</final></property>
      <property><name>domain</name><value>x&#46;org</value></property>
      <property><name>dfs.namenode.http-address.photos.nn1</name><value>a.\${domain}:9870</value></property>
      <property><name>dfs.namenode.http-address.photos.nn2</name><value>b.\${domain}:9870</value></property>
    </configuration>`
    const configuration = new HadoopConfiguration(new Map(propertiesIn(xml)), '/conf')
    expect(configuration.webHdfsUri('hdfs://ann@photos/a')).toBe('webhdfs://ann@a.x.org:9870,b.x.org:9870/a')
    expect(configuration.webHdfsUri('hdfs:///a')).toBe('webhdfs://a.x.org:9870,b.x.org:9870/a')
    expect(configuration.webHdfsUri('webhdfs://photos/a')).toBe('webhdfs://a.x.org:9870,b.x.org:9870/a')
    expect(configuration.webHdfsUri('hdfs://host:8020/a')).toBe('webhdfs://host:9870/a')
    expect(() => configuration.webHdfsUri('hdfs://other/a')).toThrow(
      'the configuration in /conf has no dfs.namenode.http-address.other',
    )
  })
})
