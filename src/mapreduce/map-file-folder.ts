import { NotFoundError } from '../errors.js'
import type { FileSystem } from '../fs/file-system.js'
import { joinPath } from '../fs/path.js'
import type { ByteSource } from '../io/byte-source.js'
import { CHECKSUM_FILE, DATA_FILE, INDEX_FILE, type MapFileSources } from '../io/map-file/format.js'
import { MapFileReader, type MapFileReaderOptions } from '../io/map-file/reader.js'

/** A MapFile's folder, opened for reading. */
export class OpenMapFile implements AsyncDisposable {
  constructor(
    readonly sources: MapFileSources,
    readonly reader: MapFileReader,
  ) {}

  async close(): Promise<void> {
    await this.reader.close()
    const { data, index, checksum } = this.sources
    await Promise.all([data.close(), index?.close(), checksum?.close()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Opens the files of a MapFile; index and `_checksum` are taken along where they are there.
 * @throws NotFoundError when there is no data; FormatError when it is no SequenceFile.
 */
export async function openMapFile(
  fs: FileSystem,
  folder: string,
  options: MapFileReaderOptions = {},
): Promise<OpenMapFile> {
  const opened: ByteSource[] = []
  try {
    const data = await fs.open(joinPath(folder, DATA_FILE))
    opened.push(data)
    const index = await openIfThere(fs, joinPath(folder, INDEX_FILE))
    if (index) opened.push(index)
    const checksum = await openIfThere(fs, joinPath(folder, CHECKSUM_FILE))
    if (checksum) opened.push(checksum)
    const sources: MapFileSources = { data, ...(index ? { index } : {}), ...(checksum ? { checksum } : {}) }
    return new OpenMapFile(sources, await MapFileReader.open(sources, options))
  } catch (error) {
    await Promise.allSettled(opened.map((source) => source.close()))
    throw error
  }
}

async function openIfThere(fs: FileSystem, path: string): Promise<ByteSource | undefined> {
  return fs.open(path).catch((error) => {
    if (error instanceof NotFoundError) return undefined
    throw error
  })
}
