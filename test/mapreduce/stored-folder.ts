import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MapFileWriter, type MapFileWriterOptions } from '../../src/io/map-file/index.js'
import { BytesWritable, Text } from '../../src/io/writables/index.js'
import { MemoryMapFile } from '../io/fixtures.js'

/** Writes a MapFile of Text and BytesWritable to a folder, which it makes. */
export async function writeMapFile(
  folder: string,
  records: readonly (readonly [string, string])[],
  options: Partial<MapFileWriterOptions> = {},
): Promise<void> {
  const files = new MemoryMapFile()
  const writer = await MapFileWriter.create(files, {
    keyClass: Text.className,
    valueClass: BytesWritable.className,
    syncMarker: Buffer.alloc(16, 'sync-marker-here'),
    syncInterval: 100,
    ...options,
  })
  for (const [key, value] of records) {
    await writer.append(Text.encode(key), BytesWritable.encode(Buffer.from(value)))
  }
  await writer.close()
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'data'), files.data.bytes)
  await writeFile(join(folder, 'index'), files.index.bytes)
  await writeFile(join(folder, '_checksum'), files.checksum!.bytes)
}

/** Changes a file's bytes in place. */
export async function editFile(path: string, edit: (bytes: Buffer) => unknown): Promise<void> {
  const bytes = await readFile(path)
  edit(bytes)
  await writeFile(path, bytes)
}

export function numbered(count: number): [string, string][] {
  return Array.from({ length: count }, (_, i) => {
    const key = `k${String(i).padStart(3, '0')}`
    return [key, `value of ${key} `.repeat(2)]
  })
}
