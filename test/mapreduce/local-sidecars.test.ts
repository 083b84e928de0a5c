import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LocalFileSystem } from '../../src/fs/local/local-file-system.js'
import { MemorySink } from '../../src/io/byte-sink.js'
import { CrcSink, crcFileName } from '../../src/io/crc.js'
import { temporaryFolder } from '../temporary-folder.js'

const fs = new LocalFileSystem()
const unverified = new LocalFileSystem({ verifySidecars: false })

/** A file with a sidecar that tells a byte of it to be another. */
async function damagedFile(folder: string, name: string): Promise<string> {
  const crcs = new MemorySink()
  const sink = new CrcSink(new MemorySink(), crcs, 4)
  await sink.write(Buffer.from('abcdefgh'))
  await sink.close()
  await writeFile(join(folder, crcFileName(name)), crcs.bytes)
  await writeFile(join(folder, name), 'abcdefgX')
  return join(folder, name)
}

async function contentOf(path: string, from: LocalFileSystem = fs): Promise<string> {
  await using source = await from.open(path)
  return Buffer.from(await source.read(0, source.length)).toString()
}

test.each([
  'data',
  'index',
  'part-r-00000',
  'photos.seq',
])('%s is compared with its sidecar', async (name) => {
  const path = await damagedFile(await temporaryFolder(), name)
  await expect(contentOf(path)).rejects.toMatchObject({ code: 'CHECKSUM', details: { offset: 4 } })
  await using source = await fs.open(path)
  expect(Buffer.from(await source.read(0, 4)).toString()).toBe('abcd')
  expect(await contentOf(path, unverified)).toBe('abcdefgX')
})

test.each(['0001.jpg', '_checksum', '.hidden'])('%s is read as it is', async (name) => {
  expect(await contentOf(await damagedFile(await temporaryFolder(), name))).toBe('abcdefgX')
})

test('a sidecar of another file is refused when the file is opened', async () => {
  const folder = await temporaryFolder()
  const path = await damagedFile(folder, 'data')
  await writeFile(path, 'a longer file than that')
  await expect(fs.open(path)).rejects.toMatchObject({ code: 'TRUNCATED' })
})

test('a sidecar goes where its file goes, and no new file is judged by an old one', async () => {
  const folder = await temporaryFolder()
  const data = await damagedFile(folder, 'data')
  await fs.rename(data, join(folder, 'part-r-00000'))
  expect((await readdir(folder)).sort()).toEqual(['.part-r-00000.crc', 'part-r-00000'])
  await fs.delete(join(folder, 'part-r-00000'))
  expect(await readdir(folder)).toEqual([])

  await damagedFile(folder, 'data')
  await unverified.rename(data, join(folder, 'aside.jpg'))
  expect(await readdir(folder)).toEqual(['aside.jpg'])
  await writeFile(join(folder, '.data.crc'), 'of a file that was removed by hand')
  await using sink = await fs.create(data)
  await sink.write(Buffer.from('new'))
  await sink.close()
  expect(await contentOf(data)).toBe('new')
})
