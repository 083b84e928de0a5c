import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AlreadyExistsError, FileSystemError, NotFoundError, TruncatedError } from '../../src/errors.js'
import type { FileStatus, FileSystem } from '../../src/fs/file-system.js'
import { baseName, joinPath } from '../../src/fs/path.js'

export interface FileSystemUnderTest {
  fs: FileSystem
  /** An empty folder of the suite's own. */
  folder: string
  dispose(): Promise<void>
}

/** What every FileSystem must do; run on each implementation with a factory. */
export function fileSystemContract(name: string, create: () => Promise<FileSystemUnderTest>): void {
  describe(`FileSystem contract: ${name}`, () => {
    let under: FileSystemUnderTest
    let fs: FileSystem
    let count = 0
    beforeAll(async () => {
      under = await create()
      fs = under.fs
    })
    afterAll(() => under.dispose())

    async function newFolder(): Promise<string> {
      const folder = joinPath(under.folder, `case-${count++}`)
      await fs.mkdir(folder)
      return folder
    }

    async function write(path: string, bytes: Uint8Array | string): Promise<void> {
      const sink = await fs.create(path)
      await sink.write(Buffer.from(bytes))
      await sink.close()
    }

    async function read(path: string): Promise<Buffer> {
      const source = await fs.open(path)
      const bytes = await source.read(0, source.length)
      await source.close()
      return Buffer.from(bytes)
    }

    async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
      const all: Uint8Array[] = []
      for await (const piece of pieces) all.push(piece)
      return Buffer.concat(all)
    }

    async function names(folder: string): Promise<string[]> {
      const found: string[] = []
      for await (const status of fs.list(folder)) found.push(baseName(status.path))
      return found
    }

    describe('create', () => {
      it('writes what is given, in order, whatever the sizes', async () => {
        const path = joinPath(await newFolder(), 'file')
        const pieces = [0, 1, 100, 300_000, 5, 262_144, 262_145, 2_000_000, 7].map((size, index) =>
          Buffer.alloc(size, index + 1),
        )
        const sink = await fs.create(path)
        for (const piece of pieces) await sink.write(piece)
        expect(sink.position).toBe(pieces.reduce((sum, piece) => sum + piece.length, 0))
        await sink.close()
        expect((await read(path)).equals(Buffer.concat(pieces))).toBe(true)
      })

      it('makes an empty file', async () => {
        const path = joinPath(await newFolder(), 'file')
        await write(path, '')
        expect(await fs.stat(path)).toMatchObject({ type: 'file', length: 0 })
      })

      it('refuses a file that exists, and leaves it as it was', async () => {
        const path = joinPath(await newFolder(), 'file')
        await write(path, 'old')
        await expect(fs.create(path)).rejects.toBeInstanceOf(AlreadyExistsError)
        expect((await read(path)).toString()).toBe('old')
      })

      it('refuses a folder, empty or not, and leaves it as it was', async () => {
        const folder = await newFolder()
        const path = joinPath(folder, 'folder')
        await fs.mkdir(path)
        await expect(fs.create(path)).rejects.toBeInstanceOf(AlreadyExistsError)
        await write(joinPath(path, 'child'), 'child')
        await expect(fs.create(path)).rejects.toBeInstanceOf(AlreadyExistsError)
        expect(await names(path)).toEqual(['child'])
      })

      it('shows the file at once, and while it is written', async () => {
        const path = joinPath(await newFolder(), 'file')
        await using sink = await fs.create(path)
        expect(await fs.stat(path)).toMatchObject({ type: 'file' })
        await sink.write(Buffer.alloc(1_000_000))
        expect(await fs.stat(path)).toMatchObject({ type: 'file' })
        await sink.close()
        expect(await fs.stat(path)).toMatchObject({ type: 'file', length: 1_000_000 })
      })

      it('makes another file where one was deleted', async () => {
        const path = joinPath(await newFolder(), 'file')
        for (const text of ['the first', 'another, which is longer', 'third']) {
          await write(path, text)
          expect((await read(path)).toString()).toBe(text)
          await fs.delete(path)
        }
      })

      it('makes no parents', async () => {
        const folder = await newFolder()
        await expect(fs.create(joinPath(folder, 'no', 'file'))).rejects.toBeInstanceOf(NotFoundError)
        expect(await names(folder)).toEqual([])
      })

      it('leaves no file when aborted, or disposed without close', async () => {
        const folder = await newFolder()
        const aborted = await fs.create(joinPath(folder, 'aborted'))
        await aborted.write(Buffer.alloc(1_000_000))
        await aborted.abort()
        {
          await using disposed = await fs.create(joinPath(folder, 'disposed'))
          await disposed.write(Buffer.from('x'))
        }
        expect(await names(folder)).toEqual([])
      })
    })

    describe('open', () => {
      it('reads ranges exactly, and refuses those past the end', async () => {
        const path = joinPath(await newFolder(), 'file')
        await write(path, '0123456789')
        await using source = await fs.open(path)
        expect(source.length).toBe(10)
        expect(Buffer.from(await source.read(3, 7)).toString()).toBe('3456')
        expect((await source.read(10, 10)).length).toBe(0)
        await expect(source.read(5, 11)).rejects.toBeInstanceOf(TruncatedError)
      })

      it('refuses what is no range of the file, and reads on', async () => {
        const path = joinPath(await newFolder(), 'file')
        await write(path, '0123456789')
        await using source = await fs.open(path)
        for (const [start, end] of [
          [-1, 5],
          [5, 3],
          [9, 11],
          [11, 11],
          [26, 27],
        ] as const) {
          await expect(source.read(start, end)).rejects.toBeInstanceOf(TruncatedError)
          await expect(collect(source.stream(start, end))).rejects.toBeInstanceOf(TruncatedError)
          expect(Buffer.from(await source.read(1, 2)).toString()).toBe('1')
        }
      })

      it('reads an empty file as empty', async () => {
        const path = joinPath(await newFolder(), 'file')
        await write(path, '')
        await using source = await fs.open(path)
        expect((await source.read(0, 0)).length).toBe(0)
        expect((await collect(source.stream(0))).length).toBe(0)
        await expect(source.read(0, 1)).rejects.toBeInstanceOf(TruncatedError)
      })

      it('reads anywhere, in any order, while a stream of the same source goes on', async () => {
        const path = joinPath(await newFolder(), 'file')
        const bytes = Buffer.alloc(2_500_000)
        for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32BE(i, i)
        await write(path, bytes)
        await using source = await fs.open(path)
        const pieces: Uint8Array[] = []
        let seed = 1
        const random = (limit: number): number => {
          seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
          return seed % limit
        }
        for await (const piece of source.stream(0)) {
          pieces.push(piece)
          const start = random(bytes.length)
          const end = Math.min(bytes.length, start + random(32_000))
          expect(bytes.subarray(start, end).equals(await source.read(start, end))).toBe(true)
        }
        expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
        for (const start of [0, 1_048_575, 40_000, 2_097_150, 8_191, 2_499_996]) {
          expect(bytes.subarray(start, start + 4).equals(await source.read(start, start + 4))).toBe(true)
        }
      })

      it('gives the same bytes one by one as all at once', async () => {
        const path = joinPath(await newFolder(), 'file')
        const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
        await write(path, bytes)
        await using source = await fs.open(path)
        const single: Uint8Array[] = []
        for (let at = 0; at < bytes.length; at++) single.push(await source.read(at, at + 1))
        expect(Buffer.concat(single).equals(bytes)).toBe(true)
        expect((await collect(source.stream(0))).equals(bytes)).toBe(true)
      })

      it('keeps two readers of one file apart', async () => {
        const path = joinPath(await newFolder(), 'file')
        await write(path, '0123456789')
        const first = await fs.open(path)
        await using second = await fs.open(path)
        expect(Buffer.from(await first.read(0, 1)).toString()).toBe('0')
        expect(Buffer.from(await second.read(0, 1)).toString()).toBe('0')
        await first.close()
        expect(Buffer.from(await second.read(1, 2)).toString()).toBe('1')
      })

      it('reads no more once it is closed, and may be closed twice', async () => {
        const path = joinPath(await newFolder(), 'file')
        await write(path, '0123456789')
        const source = await fs.open(path)
        await source.read(0, 1)
        await source.close()
        await expect(source.read(0, 1)).rejects.toBeInstanceOf(FileSystemError)
        await expect(collect(source.stream(0))).rejects.toBeInstanceOf(FileSystemError)
        await source.close()
      })

      it('takes a status that is known, but reads the path it is given', async () => {
        const folder = await newFolder()
        await write(joinPath(folder, 'file'), '0123456789')
        await write(joinPath(folder, 'other'), 'abcdefghij')
        const status = await fs.stat(joinPath(folder, 'other'))
        await using source = await fs.open(joinPath(folder, 'file'), { status })
        expect((await collect(source.stream(0))).toString()).toBe('0123456789')
      })

      it('streams a range in order, and stops when the reader leaves', async () => {
        const path = joinPath(await newFolder(), 'file')
        const bytes = Buffer.alloc(3_500_000)
        for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32BE(i, i)
        await write(path, bytes)
        await using source = await fs.open(path)
        const chunks: Uint8Array[] = []
        for await (const chunk of source.stream(1000, 3_400_001)) chunks.push(chunk)
        expect(Buffer.concat(chunks).equals(bytes.subarray(1000, 3_400_001))).toBe(true)
        for await (const chunk of source.stream(0)) {
          expect(chunk.length).toBeGreaterThan(0)
          break
        }
        expect((await source.read(0, 4)).length).toBe(4)
      })

      it('ends a stream when its signal fires', async () => {
        const path = joinPath(await newFolder(), 'file')
        await write(path, Buffer.alloc(8_000_000))
        await using source = await fs.open(path)
        const stop = new AbortController()
        const reading = (async () => {
          for await (const _ of source.stream(0, undefined, { signal: stop.signal }))
            stop.abort(new Error('enough'))
        })()
        await expect(reading).rejects.toThrow('enough')
      })

      it('says that there is no such file', async () => {
        const folder = await newFolder()
        await expect(fs.open(joinPath(folder, 'none'))).rejects.toBeInstanceOf(NotFoundError)
      })

      it('refuses a folder, empty or not', async () => {
        const folder = await newFolder()
        await expect(fs.open(folder)).rejects.toBeInstanceOf(FileSystemError)
        await fs.mkdir(joinPath(folder, 'child'))
        await expect(fs.open(folder)).rejects.toBeInstanceOf(FileSystemError)
      })
    })

    describe('stat and list', () => {
      it('tells files from folders', async () => {
        const folder = await newFolder()
        await write(joinPath(folder, 'file'), 'abc')
        const before: FileStatus = await fs.stat(joinPath(folder, 'file'))
        expect(before).toMatchObject({ path: joinPath(folder, 'file'), type: 'file', length: 3 })
        expect(Math.abs(before.modifiedMs - Date.now())).toBeLessThan(60_000)
        expect(await fs.stat(folder)).toMatchObject({ type: 'directory', length: 0 })
        await expect(fs.stat(joinPath(folder, 'none'))).rejects.toBeInstanceOf(NotFoundError)
      })

      it('lists in the order of the UTF-8 bytes of the names', async () => {
        const folder = await newFolder()
        const inOrder = ['a', 'a b', 'a#b%20?', 'a-b', 'b', 'ä', '\u{ffee}', '\u{1f600}']
        for (const name of [...inOrder].reverse()) await write(joinPath(folder, name), name)
        expect(await names(folder)).toEqual(inOrder)
        for (const name of inOrder) expect((await read(joinPath(folder, name))).toString()).toBe(name)
      })

      it('lists an empty folder as empty, and refuses what is missing or a file', async () => {
        const folder = await newFolder()
        expect(await names(folder)).toEqual([])
        await write(joinPath(folder, 'file'), 'x')
        await expect(names(joinPath(folder, 'none'))).rejects.toBeInstanceOf(NotFoundError)
        await expect(names(joinPath(folder, 'file'))).rejects.toBeInstanceOf(FileSystemError)
      })

      it('lists many files', async () => {
        const folder = await newFolder()
        const many = Array.from({ length: 150 }, (_, index) => `f${String(index).padStart(3, '0')}`)
        for (let at = 0; at < many.length; at += 25) {
          await Promise.all(many.slice(at, at + 25).map((name) => write(joinPath(folder, name), name)))
        }
        expect(await names(folder)).toEqual(many)
      })
    })

    describe('rename', () => {
      it('moves a file, and refuses a target that exists', async () => {
        const folder = await newFolder()
        await write(joinPath(folder, 'a'), 'a')
        await write(joinPath(folder, 'b'), 'b')
        await expect(fs.rename(joinPath(folder, 'a'), joinPath(folder, 'b'))).rejects.toBeInstanceOf(
          AlreadyExistsError,
        )
        await fs.rename(joinPath(folder, 'a'), joinPath(folder, 'c'))
        expect(await names(folder)).toEqual(['b', 'c'])
        expect((await read(joinPath(folder, 'b'))).toString()).toBe('b')
        expect((await read(joinPath(folder, 'c'))).toString()).toBe('a')
      })

      it('moves a folder with what is in it, never into an existing one', async () => {
        const folder = await newFolder()
        for (const name of ['one', 'two', 'empty']) await fs.mkdir(joinPath(folder, name))
        await write(joinPath(folder, 'one', 'file'), '1')
        await write(joinPath(folder, 'two', 'file'), '2')
        for (const target of ['two', 'empty']) {
          const renaming = fs.rename(joinPath(folder, 'one'), joinPath(folder, target))
          await expect(renaming).rejects.toBeInstanceOf(AlreadyExistsError)
        }
        await fs.rename(joinPath(folder, 'one'), joinPath(folder, 'three'))
        expect(await names(folder)).toEqual(['empty', 'three', 'two'])
        expect((await read(joinPath(folder, 'three', 'file'))).toString()).toBe('1')
      })

      it('lets exactly one of many renames to the same place win', async () => {
        const folder = await newFolder()
        const rivals = Array.from({ length: 8 }, (_, index) => `rival-${index}`)
        for (const rival of rivals) {
          await fs.mkdir(joinPath(folder, rival))
          await write(joinPath(folder, rival, 'report.json'), rival)
        }
        const outcomes = await Promise.allSettled(
          rivals.map((rival) => fs.rename(joinPath(folder, rival), joinPath(folder, 'winner'))),
        )
        expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
        expect(await names(folder)).toHaveLength(rivals.length)
        expect(await names(joinPath(folder, 'winner'))).toEqual(['report.json'])
      })

      it('says that the source is missing, or the folder of the target', async () => {
        const folder = await newFolder()
        await write(joinPath(folder, 'file'), 'x')
        for (const [from, to] of [
          ['none', 'x'],
          ['file', 'none/file'],
        ] as const) {
          const renaming = fs.rename(joinPath(folder, from), joinPath(folder, to))
          await expect(renaming).rejects.toBeInstanceOf(NotFoundError)
        }
        expect(await names(folder)).toEqual(['file'])
      })

      it('moves folders within folders, and leaves nothing behind', async () => {
        const folder = await newFolder()
        await fs.mkdirs(joinPath(folder, 'old', 'a', 'b', 'empty'))
        await write(joinPath(folder, 'old', 'a', 'b', 'file'), 'x')
        await fs.rename(joinPath(folder, 'old'), joinPath(folder, 'new'))
        expect(await names(folder)).toEqual(['new'])
        expect(await names(joinPath(folder, 'new', 'a', 'b'))).toEqual(['empty', 'file'])
        await expect(fs.stat(joinPath(folder, 'old', 'a', 'b', 'file'))).rejects.toBeInstanceOf(NotFoundError)
      })
    })

    describe('delete and mkdir', () => {
      it('removes a file, an empty folder, and a full one only when told to', async () => {
        const folder = await newFolder()
        await fs.mkdirs(joinPath(folder, 'a', 'b'))
        await write(joinPath(folder, 'a', 'b', 'file'), 'x')
        await expect(fs.delete(joinPath(folder, 'a'))).rejects.toBeInstanceOf(FileSystemError)
        expect(await fs.delete(joinPath(folder, 'a', 'b', 'file'))).toBe(true)
        expect(await fs.delete(joinPath(folder, 'a', 'b'))).toBe(true)
        await write(joinPath(folder, 'a', 'file'), 'x')
        expect(await fs.delete(joinPath(folder, 'a'), { recursive: true })).toBe(true)
        expect(await fs.delete(joinPath(folder, 'a'))).toBe(false)
        expect(await names(folder)).toEqual([])
      })

      it('makes one folder, or all that are missing', async () => {
        const folder = await newFolder()
        await expect(fs.mkdir(joinPath(folder, 'a', 'b'))).rejects.toBeInstanceOf(NotFoundError)
        await fs.mkdirs(joinPath(folder, 'a', 'b'))
        await fs.mkdirs(joinPath(folder, 'a', 'b'))
        await expect(fs.mkdir(joinPath(folder, 'a'))).rejects.toBeInstanceOf(AlreadyExistsError)
        await write(joinPath(folder, 'file'), 'x')
        await expect(fs.mkdirs(joinPath(folder, 'file'))).rejects.toBeInstanceOf(AlreadyExistsError)
        expect((await read(joinPath(folder, 'file'))).toString()).toBe('x')
      })

      it('removes no more than it was told to, and nothing where there is nothing', async () => {
        const folder = await newFolder()
        await fs.mkdirs(joinPath(folder, 'a', 'b', 'c', 'd'))
        expect(await fs.delete(joinPath(folder, 'a', 'b', 'c', 'd'), { recursive: true })).toBe(true)
        expect(await fs.delete(joinPath(folder, 'a', 'b'), { recursive: true })).toBe(true)
        expect(await fs.delete(joinPath(folder, 'a', 'b'), { recursive: true })).toBe(false)
        expect(await names(folder)).toEqual(['a'])
        expect(await names(joinPath(folder, 'a'))).toEqual([])
      })

      it('leaves what is there when it makes more beside and below it', async () => {
        const folder = await newFolder()
        const deep = joinPath(folder, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'L')
        await fs.mkdirs(deep)
        for (const name of ['m', 'n', 'o']) await fs.mkdirs(joinPath(folder, 'a', name))
        expect(await names(joinPath(folder, 'a'))).toEqual(['b', 'm', 'n', 'o'])
        expect(await fs.stat(deep)).toMatchObject({ type: 'directory' })
      })
    })

    it('puts nothing under a file', async () => {
      const folder = await newFolder()
      const file = joinPath(folder, 'file')
      await write(file, 'x')
      await write(joinPath(folder, 'other'), 'y')
      for (const child of [joinPath(file, 'child'), joinPath(file, 'folder', 'child')]) {
        await expect(fs.create(child)).rejects.toBeInstanceOf(FileSystemError)
        await expect(fs.mkdirs(child)).rejects.toBeInstanceOf(FileSystemError)
        await expect(fs.rename(joinPath(folder, 'other'), child)).rejects.toBeInstanceOf(FileSystemError)
      }
      await expect(fs.mkdir(joinPath(file, 'child'))).rejects.toBeInstanceOf(FileSystemError)
      expect(await names(folder)).toEqual(['file', 'other'])
      expect((await read(file)).toString()).toBe('x')
    })

    it('covers a range with block locations', async () => {
      const path = joinPath(await newFolder(), 'file')
      await write(path, Buffer.alloc(200_000))
      const blocks = await fs.blockLocations(path, 0, 200_000)
      expect(blocks.length).toBeGreaterThan(0)
      expect(blocks[0]!.start).toBe(0)
      const last = blocks.at(-1)!
      expect(last.start + last.length).toBeGreaterThanOrEqual(200_000)
    })
  })
}
