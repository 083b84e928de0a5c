import type { ByteSource } from '../byte-source.js'
import type { Codec } from '../codecs/codec.js'
import { loadCodec } from '../codecs/index.js'
import { readHeader, type SequenceFileHeader } from './header.js'

/** A SequenceFile whose header has been read and whose codec is loaded. */
export interface OpenSequenceFile {
  readonly source: ByteSource
  readonly header: SequenceFileHeader
  /** Bytes of the header: where the first record is. */
  readonly headerLength: number
  readonly codec: Codec | undefined
}

/**
 * @throws FormatError when it is no SequenceFile; TruncatedError when it is cut short.
 * @throws UnsupportedError for a version or codec that is not known here.
 */
export async function openSequenceFile(source: ByteSource): Promise<OpenSequenceFile> {
  const { header, headerLength } = await readHeader(source)
  const codec = header.codec === undefined ? undefined : await loadCodec(header.codec)
  return { source, header, headerLength, codec }
}
