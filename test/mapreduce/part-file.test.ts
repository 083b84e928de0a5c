import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { StorageFullError } from '../../src/errors.js'
import { LocalFileSystem } from '../../src/fs/local/local-file-system.js'
import { CHECKSUM_FILE } from '../../src/io/map-file/format.js'
import { PartFile } from '../../src/mapreduce/output/part-file.js'
import { PICTURE_CLASSES } from '../../src/mapreduce/record-classes.js'
import { temporaryFolder } from '../temporary-folder.js'

it('leaves no file open when one of a MapFile can not be made', async () => {
  class FullDisk extends LocalFileSystem {
    override async create(...[path, options]: Parameters<LocalFileSystem['create']>) {
      if (path.endsWith(CHECKSUM_FILE)) throw new StorageFullError(`Cannot create ${path}: the disk is full`)
      return super.create(path, options)
    }
  }
  const folder = join(await temporaryFolder(), 'part')
  const creating = PartFile.create(new FullDisk(), folder, {
    ...PICTURE_CLASSES,
    format: 'mapfile',
    syncMarker: '00'.repeat(16),
    indexInterval: 1,
    compression: 'NONE',
    crc: false,
  })
  await expect(creating).rejects.toThrow('the disk is full')
  // A sink that is given up removes its file.
  expect(await readdir(folder)).toEqual([])
})
