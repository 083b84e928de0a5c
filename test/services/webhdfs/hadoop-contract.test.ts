import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { FileSystemError, NotFoundError } from '../../../src/errors.js'
import { resolveUri } from '../../../src/fs/resolve.js'
import type { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { connectHdfs, type HdfsClient } from '../hdfs.js'
import { waitUntil } from '../wait-until.js'
import { failureOf, namesIn, openWebHdfs, patternBytes, readFile, writeFile } from './helpers.js'

const suiteFolder = '/hadoop-contract'

/** The block size that HDFS is started with for the tests. */
const CLUSTER_BLOCK_BYTES = 1024 * 1024

/**
 * The cases of Hadoop's own file system contract tests that only HDFS can answer: what holds for every file
 * system is in `test/contracts/file-system.ts`, and `docs/hdfs-contract.md` says which is which.
 */
describe("Hadoop's file system contract over WebHDFS", () => {
  let hdfs: HdfsClient
  let fs: WebHdfsFileSystem
  let folder: string
  let count = 0

  beforeAll(async () => {
    hdfs = connectHdfs(inject('hdfs'))
    fs = openWebHdfs(hdfs.webhdfsUri)
    await fs.delete(suiteFolder, { recursive: true })
  })
  beforeEach(async () => {
    folder = `${suiteFolder}/case-${count++}`
    await fs.mkdirs(folder)
  })
  afterAll(async () => {
    await fs.delete(suiteFolder, { recursive: true })
    fs.close()
  })

  describe('create', () => {
    it('gives a file that has bytes a block size', async () => {
      await writeFile(fs, `${folder}/file`, patternBytes(256))
      expect(await fs.stat(`${folder}/file`)).toMatchObject({ blockSize: CLUSTER_BLOCK_BYTES, length: 256 })
    })

    it('gives an empty file a block size', async () => {
      await writeFile(fs, `${folder}/file`, patternBytes(0))
      expect(await fs.stat(`${folder}/file`)).toMatchObject({ blockSize: CLUSTER_BLOCK_BYTES, length: 0 })
    })

    it('shows a file to others before anything is written', async () => {
      const other = openWebHdfs(hdfs.webhdfsUri)
      await using sink = await fs.create(`${folder}/file`)
      expect(await other.stat(`${folder}/file`)).toMatchObject({ type: 'file', length: 0 })
      await sink.close()
      other.close()
    })
  })

  describe('mkdir', () => {
    it('takes a path with and without a slash at its end for the same', async () => {
      for (const written of ['a', 'b/', 'c//']) {
        const { fs: resolved, path } = resolveUri(`${hdfs.webhdfsUri}${folder}/${written}`)
        await resolved.mkdir(path)
        expect(await resolved.stat(path)).toMatchObject({ type: 'directory' })
      }
      expect(await namesIn(fs, folder)).toEqual(['a', 'b', 'c'])
    })
  })

  describe('append', () => {
    async function append(path: string, bytes: Uint8Array): Promise<void> {
      const sink = await fs.append(path)
      await sink.write(bytes)
      await sink.close()
    }

    it('writes to an empty file', async () => {
      await writeFile(fs, `${folder}/file`, patternBytes(0))
      await append(`${folder}/file`, patternBytes(256))
      expect((await readFile(fs, `${folder}/file`)).equals(patternBytes(256))).toBe(true)
    })

    it('writes behind what a file has, into its last block and over its end', async () => {
      const original = patternBytes(8192)
      const appended = patternBytes(1_100_000).reverse()
      await writeFile(fs, `${folder}/file`, original)
      await append(`${folder}/file`, appended)
      const all = Buffer.concat([original, appended])
      expect((await readFile(fs, `${folder}/file`)).equals(all)).toBe(true)
      const blocks = await fs.blockLocations(`${folder}/file`, 0, all.length)
      expect(blocks.map((block) => block.length)).toEqual([
        CLUSTER_BLOCK_BYTES,
        all.length - CLUSTER_BLOCK_BYTES,
      ])
    })

    it('makes no file where there is none', async () => {
      await expect(append(`${folder}/none`, patternBytes(256))).rejects.toBeInstanceOf(NotFoundError)
      expect(await namesIn(fs, folder)).toEqual([])
    })

    it('follows a file that is renamed meanwhile', async () => {
      await writeFile(fs, `${folder}/file`, patternBytes(0))
      const sink = await fs.append(`${folder}/file`)
      await sink.write(patternBytes(256))
      await waitUntil('HDFS opens the file for the append', () => isBeingWritten(`${folder}/file`))

      await fs.rename(`${folder}/file`, `${folder}/renamed`)
      await sink.close()

      expect(await namesIn(fs, folder)).toEqual(['renamed'])
      expect((await readFile(fs, `${folder}/renamed`)).equals(patternBytes(256))).toBe(true)
    })

    /** The sink is handed out before the DataNode has asked the NameNode, so a rename at once could come first. */
    async function isBeingWritten(path: string): Promise<boolean> {
      const query = `op=GET_BLOCK_LOCATIONS&user.name=${hdfs.user}`
      const response = await fetch(`${hdfs.httpUri}/webhdfs/v1${path}?${query}`)
      const answer = (await response.json()) as { LocatedBlocks: { isUnderConstruction: boolean } }
      return answer.LocatedBlocks.isUnderConstruction
    }
  })

  it('puts nothing under a file for a user whose permissions HDFS looks at', async () => {
    const alice = openWebHdfs(`webhdfs://alice@127.0.0.1:${new URL(hdfs.httpUri).port}`)
    await hdfs.fsShell(['-chown', 'alice', folder])
    await writeFile(alice, `${folder}/file`, Buffer.from('x'))
    await writeFile(alice, `${folder}/other`, Buffer.from('y'))
    const attempts = [
      () => alice.mkdir(`${folder}/file/child`),
      ...[`${folder}/file/child`, `${folder}/file/folder/child`].flatMap((child) => [
        () => alice.create(child),
        () => alice.mkdirs(child),
        () => alice.rename(`${folder}/other`, child),
      ]),
    ]
    for (const attempt of attempts) {
      const failure = await failureOf(attempt())
      expect(failure).toBeInstanceOf(FileSystemError)
      expect(failure.message).toContain('a part of the path is a file, not a folder')
    }
    expect(await namesIn(alice, folder)).toEqual(['file', 'other'])
    expect((await readFile(alice, `${folder}/file`)).toString()).toBe('x')
    alice.close()
  })
})
