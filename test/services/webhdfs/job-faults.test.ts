import { mkdir, writeFile as writeLocal } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { treeOf } from '../../pictures.js'
import { type Outcome, runJobCommand } from '../../run-command.js'
import { temporaryFolder } from '../daemon.js'
import { type Hdfs, startHdfs } from '../hdfs.js'
import { Gate } from './gate.js'
import { digest, namesIn, openWebHdfs, patternBytes, treeIn, writeFile } from './helpers.js'
import { HttpRelay } from './http-relay.js'

/** Pictures of the input, three tasks of sixteen. */
const PICTURES = 48
const PICTURE_BYTES = 100_000
const SPLITS = ['--splits', '3', '--workers', '1']

const key = (picture: number) => `p${String(picture).padStart(4, '0')}.jpg`

type Errands = Record<string, () => Promise<unknown>>

interface RunOptions {
  /** What happens at which record. */
  at?: Errands
  input?: string
  args?: string[]
  env?: Record<string, string>
}

/** The files of a local output that must be the same everywhere. */
async function recordsIn(output: string): Promise<Record<string, string>> {
  const { _SUCCESS: _, ...files } = await treeOf(output)
  const records = Object.entries(files).filter(([name]) => !name.startsWith('_logs/'))
  return Object.fromEntries(records.map(([name, bytes]) => [name, digest(bytes)]))
}

/** One clear message, no stack trace. */
function expectFailure(outcome: Outcome, code: number, message: RegExp): void {
  expect(outcome.stderr).toMatch(message)
  expect(outcome.stderr).not.toMatch(/^\s+at /m)
  expect(outcome.code).toBe(code)
}

describe('a job while the cluster fails', () => {
  let hdfs: Hdfs
  /** Knows of no failure at the beginning of each test. */
  let fs: WebHdfsFileSystem
  let gate: Gate
  let relay: HttpRelay
  let job: string
  let local: Awaited<ReturnType<typeof temporaryFolder>>
  /** What the job makes of the pictures. */
  let expected: Record<string, string>
  /** And of that MapFile. */
  let expectedAgain: Record<string, string>

  beforeAll(async () => {
    const starting = startHdfs({
      dataNodes: 2,
      blockSize: 1 << 18,
      // Hadoop's client within a DataNode shall not wait a minute for another one that is dead.
      properties: { 'dfs.client.socket-timeout': '3000' },
    })
    local = await temporaryFolder('job-faults')
    job = await Gate.writeJob(join(local.path, 'gated.ts'))
    gate = await Gate.open()
    await mkdir(join(local.path, 'in'))
    const bytes = patternBytes(PICTURES * PICTURE_BYTES)
    const picture = (i: number) => bytes.subarray(i * PICTURE_BYTES, (i + 1) * PICTURE_BYTES)
    for (let i = 0; i < PICTURES; i++) await writeLocal(join(local.path, 'in', key(i)), picture(i))
    const output = join(local.path, 'out')
    await runJobCommand([job, '-i', join(local.path, 'in'), '-o', output, ...SPLITS])
    const again = join(local.path, 'again')
    await runJobCommand([job, '-i', output, '-o', again, ...SPLITS])
    expected = await recordsIn(output)
    expectedAgain = await recordsIn(again)
    expect(Object.keys(expected)).toContain('part-m-00000/data')

    hdfs = await starting
    fs = openWebHdfs(hdfs.webhdfsUri)
    relay = await HttpRelay.start(hdfs.httpUri)
    await fs.mkdirs('/in')
    for (let i = 0; i < PICTURES; i++) await writeFile(fs, `/in/${key(i)}`, picture(i))
  })
  afterAll(async () => {
    await gate?.close()
    await relay?.stop()
    await Promise.all([hdfs?.stop(), local?.remove()])
  })
  beforeEach(async () => {
    fs = openWebHdfs(hdfs.webhdfsUri)
    relay.decide = () => 'pass'
    await fs.mkdirs('/work')
  })
  afterEach(async () => {
    if (!hdfs.nameNode.running) await hdfs.nameNode.start()
    for (const dataNode of hdfs.dataNodes) if (!dataNode.running) await dataNode.start()
    await hdfs.waitForLiveDataNodes(hdfs.dataNodes.length)
    await openWebHdfs(hdfs.webhdfsUri).delete('/work', { recursive: true })
  })

  const uri = (path: string) => hdfs.webhdfsUri + path
  const relayed = (path: string) => `webhdfs://${hdfs.user}@127.0.0.1:${relay.port}${path}`

  async function run(output: string, { at = {}, input = uri('/in'), args = [], env }: RunOptions = {}) {
    const outcome = await runJobCommand(
      [job, '-i', input, '-o', output, ...SPLITS, '--progress', 'plain', ...args],
      { env: { ...gate.environment(at), ...env } },
    )
    gate.requirePassed()
    return outcome
  }

  /** As the superuser, straight at the NameNode. */
  async function administer(op: string, path: string, parameters: Record<string, string>): Promise<void> {
    const query = new URLSearchParams({ op, 'user.name': hdfs.user, ...parameters })
    const response = await fetch(`${hdfs.httpUri}/webhdfs/v1${path}?${query}`, { method: 'PUT' })
    if (!response.ok) throw new Error(`Cannot ${op} ${path}: ${await response.text()}`)
  }

  async function expectOutput(outcome: Outcome, records = expected): Promise<void> {
    expect(outcome.code, outcome.stderr).toBe(0)
    const { _SUCCESS: success, ...files } = await treeIn(fs, '/work/out')
    expect(success).toBeDefined()
    const written = Object.entries(files).filter(([name]) => !name.startsWith('_logs/history/'))
    expect(Object.fromEntries(written)).toEqual(records)
    expect(await namesIn(fs, '/work')).toEqual(['out'])
  }

  /** An older output, which must not change. @returns all that is there, by digest */
  async function oldOutput(): Promise<Record<string, string>> {
    await fs.mkdirs('/work/out/part-m-00000')
    await writeFile(fs, '/work/out/part-m-00000/data', Buffer.from('old'))
    await writeFile(fs, '/work/out/_SUCCESS', Buffer.from('{"jobId":"old"}'))
    return treeIn(fs, '/work')
  }

  it('survives the death of each DataNode, while it reads and while it writes', async () => {
    const [first, second] = hdfs.dataNodes as [Hdfs['dataNodes'][0], Hdfs['dataNodes'][0]]
    let restarting: Promise<void> | undefined
    const outcome = await run(uri('/work/out'), {
      at: {
        [key(8)]: () => first.kill('SIGKILL'),
        // Between two tasks: the first record of the second one.
        [key(16)]: () => first.start(),
        async [key(26)]() {
          await second.kill('SIGKILL')
          // It alone has what was written while the first one was down.
          restarting = second.start()
        },
      },
    })
    await restarting
    await expectOutput(outcome)
  })

  it('survives it in the middle of a MapFile that it reads', async () => {
    await run(uri('/packed'))
    const outcome = await run(uri('/work/out'), {
      input: uri('/packed'),
      at: { [key(4)]: () => hdfs.dataNodes[0]!.kill('SIGKILL') },
    })
    await expectOutput(outcome, expectedAgain)
  })

  it('finds out what became of every rename whose answer is lost', async () => {
    for (const fate of ['lose the answer', 'lose the request'] as const) {
      const lost = new Set<string>()
      relay.decide = (op, url) => {
        if (op !== 'RENAME' || lost.has(url.href)) return 'pass'
        lost.add(url.href)
        return fate
      }
      const outcome = await run(relayed('/work/out'), { input: relayed('/in'), args: ['--overwrite'] })
      await expectOutput(outcome)
      // The plan, three tasks and their join, the part and _SUCCESS into the output, the output into its
      // place; the second time
      // also the old output aside.
      expect(lost.size, [...lost].join('\n')).toBe(fate === 'lose the answer' ? 8 : 9)
      expect(outcome.stderr).not.toMatch(/failed in attempt/)
    }
  })

  it('says what quota is used up, in the middle of the job, and leaves nothing', async () => {
    const before = await oldOutput()
    for (const [quota, words] of [
      [{ storagespacequota: '1' }, /quota of space is used up/],
      [{ namespacequota: '1' }, /quota of names is used up/],
    ] as const) {
      const outcome = await run(uri('/work/out'), {
        args: ['--overwrite'],
        at: { [key(8)]: () => administer('SETQUOTA', '/work', quota) },
      })
      await administer('SETQUOTA', '/work', { namespacequota: '-1', storagespacequota: '-1' })
      expectFailure(outcome, 1, words)
      expect(await treeIn(fs, '/work')).toEqual(before)
      expect(await namesIn(fs, '/work')).toEqual(['out'])
    }
    // Five are there; the sixth is the parent, the seventh the job's folder, and nothing goes into it.
    await administer('SETQUOTA', '/work', { namespacequota: '7' })
    const outcome = await run(uri('/work/new/deep'))
    expectFailure(outcome, 1, /quota of names is used up/)
    expect(await namesIn(fs, '/work')).toEqual(['out'])
    await administer('SETQUOTA', '/work', { namespacequota: '-1' })
  })

  it('says who may not write, before any work and at its end', async () => {
    const guest = uri('').replace(`//${hdfs.user}@`, '//guest@')
    expectFailure(
      await runJobCommand([job, '-i', uri('/in'), '-o', `${guest}/work/out`, ...SPLITS]),
      2,
      /Cannot write webhdfs:\/\/guest@.*\/work\/out: nothing can be made in \/work/,
    )
    await administer('SETPERMISSION', '/work', { permission: '777' })
    const before = await oldOutput()
    const outcome = await run(`${guest}/work/out`, {
      args: ['--overwrite'],
      at: { [key(40)]: () => administer('SETPERMISSION', '/work', { permission: '555' }) },
    })
    expectFailure(outcome, 1, /run-job: Cannot .*: permission denied/)
    expect(outcome.stderr).toMatch(/could not clean up webhdfs:.*\/work\/\.out\.job_/)
    const after = await treeIn(fs, '/work')
    for (const [name, bytes] of Object.entries(before)) expect(after[name]).toBe(bytes)
    expect((await namesIn(fs, '/work')).filter((name) => !name.startsWith('.'))).toEqual(['out'])
  })

  it('says that its input is gone, be it files or a MapFile', async () => {
    const before = await oldOutput()
    await fs.rename('/packed', '/work/packed')
    await fs.mkdirs('/work/photos')
    for (let i = 0; i < 20; i++) await writeFile(fs, `/work/photos/${key(i)}`, Buffer.alloc(10, i))
    for (const [name, message] of [
      ['photos', /records are bad, .*the first: .*\/work\/photos\/.*there is no such file/],
      ['packed', /Cannot finish task m-0000\d: it failed.*\/work\/packed\/part-m-00000/],
    ] as const) {
      const outcome = await run(uri('/work/out'), {
        input: uri(`/work/${name}`),
        args: ['--overwrite'],
        at: { [key(2)]: () => fs.delete(`/work/${name}`, { recursive: true }) },
      })
      expectFailure(outcome, 1, message)
    }
    expect(await treeIn(fs, '/work')).toEqual(before)
    expect(await namesIn(fs, '/work')).toEqual(['out'])
  })

  it('leaves nothing when it is interrupted', async () => {
    const before = await oldOutput()
    let interrupt = () => {}
    const outcome = await runJobCommand(
      [job, '-i', uri('/in'), '-o', uri('/work/new/out'), ...SPLITS, '--progress', 'json'],
      {
        env: gate.environment({
          async [key(20)]() {
            interrupt()
            // The record is never mapped to its end.
            await new Promise(() => {})
          },
        }),
        onStderr(_, kill) {
          interrupt = () => kill('SIGINT')
        },
      },
    )
    expect(outcome.code).toBe(130)
    expect(outcome.stderr).not.toMatch(/left-behind/)
    expect(await treeIn(fs, '/work')).toEqual(before)
    expect(await namesIn(fs, '/work')).toEqual(['out'])
  })

  it('says that HDFS is in safe mode, and does its work once it is off', async () => {
    const before = await oldOutput()
    const args = ['--overwrite']
    const at = { [key(8)]: () => hdfs.safemode('on') }
    const refused = await run(uri('/work/out'), { args, at }).finally(() => hdfs.safemode('off'))
    expectFailure(refused, 1, /Cannot finish task m-0000\d: it failed: .*HDFS is in safe mode/)
    expect(refused.stderr).toMatch(/could not clean up .*safe mode/)
    const after = await treeIn(fs, '/work')
    for (const [name, bytes] of Object.entries(before)) expect(after[name]).toBe(bytes)
    for (const name of await namesIn(fs, '/work')) {
      if (name.startsWith('.')) await fs.delete(`/work/${name}`, { recursive: true })
    }

    await expectOutput(
      await run(uri('/work/out'), {
        args,
      }),
    )
  })

  it('waits for a NameNode that is killed and started again, while it maps and while it commits', async () => {
    let restarting: Promise<void> | undefined
    const restart = async () => {
      await restarting
      await hdfs.nameNode.kill('SIGKILL')
      restarting = hdfs.nameNode.start()
    }
    let isCommitted = false
    relay.decide = async (op, url) => {
      if (isCommitted || op !== 'RENAME' || url.searchParams.get('destination') !== '/work/out') return 'pass'
      isCommitted = true
      await restart()
      return 'lose the request'
    }
    const outcome = await run(relayed('/work/out'), { input: relayed('/in'), at: { [key(24)]: restart } })
    await restarting
    expect(isCommitted).toBe(true)
    await expectOutput(outcome)
  })

  it('gives up on a NameNode that stays away, within a limit that it names', async () => {
    const before = await oldOutput()
    const env = { PIXELREDUCE_RETRY_FOR_MS: '2000' }
    const outcome = await run(uri('/work/out'), {
      args: ['--overwrite'],
      env,
      at: { [key(8)]: () => hdfs.nameNode.kill('SIGKILL') },
    })
    expectFailure(outcome, 1, /Cannot finish task m-0000\d: it failed.*the limit is \d+ ms/)
    expect(outcome.stderr).toMatch(/could not clean up .*\/work\/\.out\.job_/)

    await hdfs.nameNode.start()
    const after = await treeIn(fs, '/work')
    for (const [name, bytes] of Object.entries(before)) expect(after[name]).toBe(bytes)
  })

  it('leaves a replacement that it could not finish to the next command', async () => {
    await oldOutput()
    relay.decide = async (op, url) => {
      // The old output is aside by now.
      const isNewIn = op === 'RENAME' && url.pathname.endsWith('/output')
      if (isNewIn && (await namesIn(fs, '/work')).some((name) => name.endsWith('.old'))) {
        await hdfs.nameNode.kill('SIGKILL')
      }
      return 'pass' as const
    }
    const outcome = await run(relayed('/work/out'), {
      input: relayed('/in'),
      args: ['--overwrite'],
      env: { PIXELREDUCE_RETRY_FOR_MS: '1000' },
    })
    expectFailure(outcome, 1, /Cannot rename /)
    await hdfs.nameNode.start()
    expect(await namesIn(fs, '/work')).not.toContain('out')

    const next = await run(uri('/work/out'))
    expectFailure(next, 2, /it exists already/)
    await expectOutput({ ...next, code: 0 })
  })
})
