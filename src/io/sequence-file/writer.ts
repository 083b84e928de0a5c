import { FormatError } from '../../errors.js'
import type { ByteSink } from '../byte-sink.js'
import { loadWritingCodec } from '../codecs/index.js'
import { BlockWriter } from './block-writer.js'
import { type Compression, DEFAULT_BLOCK_BYTES, DEFAULT_SYNC_INTERVAL } from './format.js'
import { encodeHeader } from './header.js'
import { OutputStage } from './output-stage.js'
import { RecordWriter } from './record-writer.js'
import type { SequenceFileWriter } from './sequence-file-writer.js'

export interface SequenceFileWriterOptions {
  /** Java class names. */
  keyClass: string
  valueClass: string
  /** @default 'NONE' */
  compression?: Compression
  /** Short name or Java class name; counts with RECORD and BLOCK. @default 'default', which is zlib */
  codec?: string
  metadata?: Iterable<readonly [string, string]>
  /** 16 bytes. Given from outside, so that the same records make the same file. */
  syncMarker: Uint8Array
  /** Bytes between sync markers, for NONE and RECORD. @default 102400 */
  syncInterval?: number
  /** Bytes of keys and values that fill a block, for BLOCK. @default 1000000 */
  blockSize?: number
}

/**
 * Writes the header and returns a writer for the records.
 * @throws UnsupportedError or MissingPackageError when the codec can't be used.
 */
export async function createSequenceFileWriter(
  sink: ByteSink,
  options: SequenceFileWriterOptions,
): Promise<SequenceFileWriter> {
  const compression = options.compression ?? 'NONE'
  const codec = compression === 'NONE' ? undefined : await loadWritingCodec(options.codec ?? 'default')
  const syncInterval = options.syncInterval ?? DEFAULT_SYNC_INTERVAL
  const blockBytes = options.blockSize ?? DEFAULT_BLOCK_BYTES
  for (const [name, value] of [
    ['syncInterval', syncInterval],
    ['blockSize', blockBytes],
  ] as const) {
    if (!(Number.isSafeInteger(value) && value > 0)) {
      throw new FormatError(`Cannot write a SequenceFile: ${name} is ${value} instead of a number of bytes`)
    }
  }
  const header = encodeHeader({
    keyClass: options.keyClass,
    valueClass: options.valueClass,
    compression,
    codec: codec?.className,
    metadata: [...(options.metadata ?? [])],
    syncMarker: options.syncMarker,
  })
  const stage = new OutputStage(sink)
  await stage.write(header)
  const syncMarker = options.syncMarker.slice()
  return compression === 'BLOCK'
    ? new BlockWriter(sink, stage, syncMarker, codec!, blockBytes)
    : new RecordWriter(sink, stage, syncMarker, codec, syncInterval)
}
