import type { FileStatus, FileSystem } from '../fs/file-system.js'
import { baseName, joinPath } from '../fs/path.js'
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

/** Bytes of a MapFile's files. */
export interface MapFileLengths {
  data: number
  index: number
  checksum: number
}

export interface OpenMapFileOptions extends MapFileReaderOptions {
  /** What the files' lengths must be, where that is known. @default as they are found */
  lengths?: MapFileLengths
}

/**
 * Opens the files of a MapFile; index and `_checksum` are taken along where they are there.
 * @throws NotFoundError when there is no data; FormatError when it is no SequenceFile.
 */
export async function openMapFile(
  fs: FileSystem,
  folder: string,
  options: OpenMapFileOptions = {},
): Promise<OpenMapFile> {
  const { lengths, ...readerOptions } = options
  const found = lengths ? statusesOf(folder, lengths) : await findFiles(fs, folder)
  const opened: ByteSource[] = []
  const open = async (status: FileStatus): Promise<ByteSource> => {
    const source = await fs.open(status.path, { status })
    opened.push(source)
    return source
  }
  try {
    const data = found.data ? await open(found.data) : await fs.open(joinPath(folder, DATA_FILE))
    const index = found.index && (await open(found.index))
    const checksum = found.checksum && (await open(found.checksum))
    const sources: MapFileSources = { data, ...(index ? { index } : {}), ...(checksum ? { checksum } : {}) }
    return new OpenMapFile(sources, await MapFileReader.open(sources, readerOptions))
  } catch (error) {
    await Promise.allSettled(opened.map((source) => source.close()))
    throw error
  }
}

type MapFileStatuses = { [File in keyof MapFileLengths]?: FileStatus }

/** One question to the file system instead of one for each file. */
async function findFiles(fs: FileSystem, folder: string): Promise<MapFileStatuses> {
  const found: MapFileStatuses = {}
  const names: Record<string, keyof MapFileLengths> = {
    [DATA_FILE]: 'data',
    [INDEX_FILE]: 'index',
    [CHECKSUM_FILE]: 'checksum',
  }
  for await (const status of fs.list(folder)) {
    const file = names[baseName(status.path)]
    if (file && status.type === 'file') found[file] = status
  }
  return found
}

function statusesOf(folder: string, lengths: MapFileLengths): MapFileStatuses {
  const status = (name: string, length: number): FileStatus => ({
    path: joinPath(folder, name),
    type: 'file',
    length,
    modifiedMs: 0,
  })
  return {
    data: status(DATA_FILE, lengths.data),
    index: status(INDEX_FILE, lengths.index),
    checksum: status(CHECKSUM_FILE, lengths.checksum),
  }
}
