import { createHash } from 'node:crypto'
import { readFile as readLocal } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { resolveOptions } from '../../../src/mapreduce/driver/options.js'
import { planJob } from '../../../src/mapreduce/driver/plan.js'
import { PICTURES } from '../../../src/mapreduce/input/input-definition.js'
import type { SuccessFile } from '../../../src/mapreduce/output/success-file.js'
import { EXAMPLES, exampleNames, photoFolder, treeOf } from '../../pictures.js'
import { jsonLines, type Outcome, pixelreduce, runJobCommand } from '../../run-command.js'
import { temporaryFolder } from '../../temporary-folder.js'
import { connectHdfs } from '../hdfs.js'
import { digest, namesIn, openWebHdfs, readFile, treeIn } from './helpers.js'

const folder = '/commands'

async function succeed(running: Promise<Outcome>): Promise<Outcome> {
  const outcome = await running
  expect(outcome.stderr).not.toMatch(/Cannot|could not/)
  expect(outcome.code).toBe(0)
  return outcome
}

/** A local output's files that hold records, by digest. */
async function localParts(output: string): Promise<Record<string, string>> {
  const files = Object.entries(await treeOf(output)).filter(([name]) => name.startsWith('part-'))
  return Object.fromEntries(files.map(([name, bytes]) => [name, digest(bytes)]))
}

describe('the commands over HDFS', () => {
  let fs: WebHdfsFileSystem
  const at = (name: string) => `${inject('hdfs').webhdfsUri}${folder}/${name}`
  const parts = async (name: string) =>
    Object.fromEntries(
      Object.entries(await treeIn(fs, `${folder}/${name}`)).filter(([file]) => file.startsWith('part-')),
    )

  beforeAll(async () => {
    fs = openWebHdfs(inject('hdfs').webhdfsUri)
    await fs.delete(folder, { recursive: true })
    await succeed(pixelreduce(['pack', EXAMPLES, at('photos')]))
    await succeed(runJobCommand(['thumbnail', '--input', at('photos'), '--output', at('thumbs')]))
  })
  afterAll(async () => {
    await fs.delete(folder, { recursive: true })
  })

  it('write the bytes that they write to a local disk, and leave nothing else', async () => {
    const local = await temporaryFolder()
    await succeed(pixelreduce(['pack', EXAMPLES, join(local, 'photos')]))
    await succeed(
      runJobCommand(['thumbnail', '--input', join(local, 'photos'), '--output', join(local, 'thumbs')]),
    )

    expect(await parts('photos')).toEqual(await localParts(join(local, 'photos')))
    expect(await parts('thumbs')).toEqual(await localParts(join(local, 'thumbs')))
    expect(Object.keys(await treeIn(fs, `${folder}/thumbs`))).toEqual([
      '_SUCCESS',
      expect.stringMatching(/^_logs\/history\/job_\w+\.jsonl$/),
      'part-m-00000/_checksum',
      'part-m-00000/data',
      'part-m-00000/index',
    ])
    expect(await namesIn(fs, folder)).toEqual(['photos', 'thumbs'])
  })

  it('read one way and write the other, through a folder of files and back', async () => {
    const local = await temporaryFolder()
    await succeed(pixelreduce(['export', at('photos'), join(local, 'exported')]))
    await succeed(pixelreduce(['export', at('photos'), at('exported')]))
    expect(Object.keys(await treeOf(join(local, 'exported')))).toEqual(await exampleNames())
    for (const name of await exampleNames()) {
      const bytes = digest(await readLocal(join(EXAMPLES, name)))
      expect(digest(await readLocal(join(local, 'exported', name)))).toBe(bytes)
      expect(digest(await readFile(fs, `${folder}/exported/${name}`))).toBe(bytes)
    }
    await succeed(pixelreduce(['pack', at('exported'), join(local, 'from-hdfs')]))
    await succeed(pixelreduce(['pack', at('exported'), at('within-hdfs')]))
    expect(await localParts(join(local, 'from-hdfs'))).toEqual(await parts('photos'))
    expect(await parts('within-hdfs')).toEqual(await parts('photos'))
  })

  it('list, get, dump and verify what lies on HDFS', async () => {
    const listed = jsonLines<{ key: string; bytes: number }>(
      (await succeed(pixelreduce(['ls', at('photos'), '--json']))).out,
    )
    expect(listed.map(({ key }) => key)).toEqual(await exampleNames())
    for (const { key, bytes } of [listed[0]!, listed.at(-1)!]) {
      const { stdout } = await succeed(pixelreduce(['get', at('photos'), key]))
      expect(digest(stdout)).toBe(digest(await readLocal(join(EXAMPLES, key))))
      expect(stdout).toHaveLength(bytes)
    }
    const missing = await pixelreduce(['get', at('photos'), 'none.jpg'])
    expect(missing).toMatchObject({ code: 1 })
    expect(missing.stderr).toMatch(/there is no such key/)
    expect((await succeed(pixelreduce(['verify', at('thumbs')]))).out).toMatch(/11/)
    const local = await temporaryFolder()
    await succeed(runJobCommand(['thumbnail', '--input', at('photos'), '--output', join(local, 'thumbs')]))
    const dumped = await succeed(pixelreduce(['dump', `${at('thumbs')}/part-m-00000`]))
    const dumpedHere = await succeed(pixelreduce(['dump', join(local, 'thumbs/part-m-00000')]))
    const anywhere = (text: string) => text.replaceAll(at('thumbs'), '').replaceAll(join(local, 'thumbs'), '')
    expect(anywhere(dumped.out)).toBe(anywhere(dumpedHere.out))
  })

  it("is read by Hadoop's own readers where it lies", async () => {
    const hdfs = connectHdfs(inject('hdfs'))
    const read = await hdfs.javaTool('VerifyMapFile', [
      '--fs',
      hdfs.fsUri,
      '--values',
      '--get',
      'rocket.jpg',
      `${folder}/photos`,
    ])
    expect(read).toMatchObject({ code: 0, stderr: '' })
    const lines = jsonLines<Record<string, unknown> & { values: [string, number, string][] }>(read.stdout)
    expect(lines.find((line) => line.kind === 'MapFile')).toMatchObject({
      records: 11,
      inOrder: true,
      indexCorrect: true,
      values: await Promise.all(
        (await exampleNames()).map(async (name) => {
          const bytes = await readLocal(join(EXAMPLES, name))
          return [name, bytes.length, createHash('sha256').update(bytes).digest('hex')]
        }),
      ),
    })
    expect(lines.find((line) => line.get === 'rocket.jpg')).toMatchObject({ found: true })
  })

  it('refuse an output that exists, and replace it with --overwrite', async () => {
    const local = await temporaryFolder()
    await photoFolder(join(local, 'in'), { 'a.jpg': 'coffee.jpg' })
    await succeed(pixelreduce(['pack', join(local, 'in'), at('replaced')]))
    const old = await treeIn(fs, `${folder}/replaced`)

    const refused = await pixelreduce(['pack', EXAMPLES, at('replaced')])
    expect(refused).toMatchObject({ code: 2 })
    expect(refused.stderr).toMatch(/replaced: it exists already; .*--overwrite/)
    expect(await treeIn(fs, `${folder}/replaced`)).toEqual(old)

    await succeed(pixelreduce(['pack', EXAMPLES, at('replaced'), '--overwrite']))
    expect(await parts('replaced')).toEqual(await parts('photos'))
    expect((await namesIn(fs, folder)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('plan splits that name the hosts of their blocks', async () => {
    const jobFolder = { fs, path: `${folder}/photos` }
    const options = resolveOptions({ input: [], splits: 4 })

    const { splits } = await planJob(
      { name: 'any', params: {}, input: PICTURES },
      [at('photos')],
      jobFolder,
      options,
    )

    expect(splits.length).toBeGreaterThan(1)
    for (const { hosts, ...split } of splits) {
      const { start, end } = split as { start: number; end: number }
      const blocks = await fs.blockLocations(`${folder}/photos/part-m-00000/data`, start, end - start)
      const holders = new Set(blocks.flatMap((block) => block.hosts))
      expect(hosts.length).toBeGreaterThan(0)
      for (const host of hosts) expect(holders).toContain(host)
    }
  })

  it('say what the job was in _SUCCESS, with the URIs as they were given', async () => {
    const success = JSON.parse((await readFile(fs, `${folder}/thumbs/_SUCCESS`)).toString()) as SuccessFile
    expect(success).toMatchObject({
      job: 'thumbnail',
      inputs: [at('photos')],
      ledger: { read: 11, written: 11 },
    })
  })
})
