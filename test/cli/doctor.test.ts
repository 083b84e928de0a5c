import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Finding } from '../../src/fs/finding.js'
import { jsonLines, pixelreduce } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

/** A port on which a server takes connections and never says a word. */
async function silentPort(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

describe('doctor', () => {
  it('finds this installation sound, a line for each check in a fixed order', async () => {
    const { code, out, stderr } = await pixelreduce(['doctor'])
    const lines = out.trimEnd().split('\n')

    expect(lines.map((line) => line.replace(/:.*/, ''))).toEqual([
      'ok   pixelreduce',
      'ok   Node.js',
      'ok   sharp',
      'ok   OpenCV',
      'ok   codec snappy',
      'ok   codec lz4',
      'ok   codec zstd',
      'ok   memory',
      'ok   temporary folder',
    ])
    expect(lines[1]).toContain(process.versions.node)
    expect(lines[2]).toMatch(/libvips \d+\.\d+\.\d+/)
    expect(stderr).toBe('doctor: 9 checks, all ok\n')
    expect(code).toBe(0)
  })

  it('notes packages that are not installed and that few need, and goes on', async () => {
    const folder = await temporaryFolder()
    const hooks = `export async function resolve(name, context, next) {
      if (name !== 'snappy') return next(name, context)
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
    }`
    await writeFile(join(folder, 'hooks.mjs'), hooks)
    const register = "import { register } from 'node:module'; register('./hooks.mjs', import.meta.url)"
    await writeFile(join(folder, 'register.mjs'), register)
    const { code, out } = await pixelreduce(['doctor'], {
      env: { NODE_OPTIONS: `--import ${join(folder, 'register.mjs')}` },
    })

    expect(out).toContain(
      'note codec snappy: not installed; only files compressed with snappy need it; run "npm install snappy"\n',
    )
    expect(out).toContain('ok   codec zstd')
    expect(code).toBe(0)
  })

  it('prints one object per check with --json', async () => {
    const folder = await temporaryFolder()
    const { code, out, stderr } = await pixelreduce(['doctor', folder, '--json'])
    const findings = jsonLines<Finding>(out)

    expect(findings).toHaveLength(10)
    expect(findings.every(({ ok }) => ok)).toBe(true)
    expect(findings.at(-1)).toMatchObject({ check: `folder ${folder}`, ok: true })
    expect(findings.at(-1)!.detail).toMatch(/can be written, .*B free$/)
    expect(stderr).toBe('')
    expect(code).toBe(0)
  })

  it('looks at the folder of a file, and leaves nothing there', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'cat.jpg'), 'x')
    const { code, out } = await pixelreduce(['doctor', join(folder, 'cat.jpg')])

    expect(out).toContain(`ok   folder ${join(folder, 'cat.jpg')}: ${folder} can be written`)
    expect(code).toBe(0)
    expect(await readdir(folder)).toEqual(['cat.jpg'])
  })

  it('says of a path that is not there, and of a temporary folder that is none, what to do', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'there'))
    const { code, out, stderr } = await pixelreduce(['doctor', join(folder, 'not-there')], {
      env: { TMPDIR: join(folder, 'nowhere') },
    })

    expect(out).toMatch(/^FAIL temporary folder: there is no such file or folder; let TMPDIR name a folder/m)
    expect(out).toMatch(/^FAIL folder .*not-there: there is no such file or folder; correct the path/m)
    expect(stderr).toBe('doctor: 10 checks, 2 failed\n')
    expect(code).toBe(1)
  })

  it('says what to do about a NameNode that takes no connection or has no address', async () => {
    const port = await closedPort()
    const uri = `webhdfs://ann@127.0.0.1:${port},namenode.invalid:9870/photos`
    const { code, out } = await pixelreduce(['doctor', uri])

    expect(out).toMatch(
      new RegExp(
        `^FAIL NameNode 127.0.0.1:${port}: .*can't be reached \\(.*ECONNREFUSED.*\\); start the NameNode`,
        'm',
      ),
    )
    expect(out).toMatch(/^FAIL NameNode namenode\.invalid:9870: .*can't be reached.*; correct the host/m)
    expect(code).toBe(1)
  })

  it('names the limit of its patience with a NameNode that says nothing', async () => {
    const port = await silentPort()
    const { code, out } = await pixelreduce(['doctor', `webhdfs://ann@127.0.0.1:${port}/photos`, '--json'])

    expect(jsonLines<Finding>(out).at(-1)).toEqual({
      check: `NameNode 127.0.0.1:${port}`,
      ok: false,
      detail: `127.0.0.1:${port} did not answer within 10000 ms`,
      fix: expect.stringContaining(
        'give the port of its web server (dfs.namenode.http-address, usually 9870',
      ),
    })
    expect(code).toBe(1)
  })

  it('exits 2 when the command line is wrong', async () => {
    const wrong = [
      { args: ['webhdfs://'], message: /it is no URI such as/ },
      { args: ['webhdfs://ann@nn:1/', '--datanode-map', 'dn1'], message: /host=address:port/ },
      { args: ['photos', 'scans'], message: /too many arguments/ },
      { args: [''], message: /the path is empty/ },
    ]
    for (const { args, message } of wrong) {
      const { code, out, stderr } = await pixelreduce(['doctor', ...args])
      expect(stderr).toMatch(message)
      expect(out).toBe('')
      expect(code).toBe(2)
    }
  })
})
