import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { treeOf } from '../../pictures.js'
import { runJobCommand } from '../../run-command.js'
import { temporaryFolder } from '../../temporary-folder.js'
import { namesIn, openWebHdfs, readFile, writeFile } from './helpers.js'

const folder = '/text-jobs-test'

/** Words of different lengths over several of the blocks of 1 MiB, so that lines lie across their borders. */
function text(seed: number, lines: number): Buffer {
  const all: string[] = []
  for (let line = 0; line < lines; line++) {
    const words = Array.from({ length: 12 }, (_, i) => `w${(line * 31 + i * 7 + seed) % 997}`)
    all.push(words.join(' '.repeat(1 + (line % 3))))
  }
  return Buffer.from(`${all.join('\n')}\n`)
}

describe('jobs over text on HDFS', () => {
  let fs: WebHdfsFileSystem
  const at = (name: string) => `${inject('hdfs').webhdfsUri}${folder}/${name}`

  beforeAll(async () => {
    fs = openWebHdfs(inject('hdfs').webhdfsUri)
    await fs.delete(folder, { recursive: true })
    await fs.mkdirs(`${folder}/in`)
    await writeFile(fs, `${folder}/in/a.txt`, text(1, 60_000))
    await writeFile(fs, `${folder}/in/b.txt.gz`, gzipSync(text(2, 2000)))
    await writeFile(fs, `${folder}/in/c.txt`, Buffer.from('one line without an end'))
  })
  afterAll(async () => {
    await fs.delete(folder, { recursive: true })
  })

  it('counts words as over the same files on a disk, however they are split', async () => {
    const local = await temporaryFolder()
    const input = join(local, 'in')
    const { mkdir, writeFile: writeLocal } = await import('node:fs/promises')
    await mkdir(input)
    for (const name of await namesIn(fs, `${folder}/in`)) {
      await writeLocal(join(input, name), await readFile(fs, `${folder}/in/${name}`))
    }
    const run = (from: string, to: string, splitBytes: string) =>
      runJobCommand(['word-count', '-i', from, '-o', to, '--split-size', splitBytes, '--reducers', '2'])
    expect((await run(input, join(local, 'out'), '64M')).code).toBe(0)
    const { code, stderr, out } = await run(at('in'), at('out'), '300K')
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    expect(out).toMatch(/the ledger balances/)
    const expected = await treeOf(join(local, 'out'))
    const parts = Object.keys(expected).filter((name) => name.startsWith('part-r-'))
    expect(parts.length).toBeGreaterThanOrEqual(4)
    for (const name of parts) expect(await readFile(fs, `${folder}/out/${name}`)).toEqual(expected[name])
  })

  it('writes lines that the next job reads', async () => {
    const log = '127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /shop/cart?id=1 HTTP/1.1" 200 2326\n'
    await fs.mkdirs(`${folder}/logs`)
    await writeFile(fs, `${folder}/logs/access.log`, Buffer.from(log.repeat(500)))
    const analysis = await runJobCommand(['log-analysis', '-i', at('logs'), '-o', at('totals')])
    expect([analysis.code, analysis.code === 0 ? '' : analysis.stderr]).toEqual([0, ''])
    const counted = await runJobCommand(['word-count', '-i', at('totals'), '-o', at('words')])
    expect([counted.code, counted.code === 0 ? '' : counted.stderr]).toEqual([0, ''])
  })
})
