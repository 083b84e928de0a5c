export type { Compression, RawRecord } from './format.js'
export type { SequenceFileHeader } from './header.js'
export { type OpenSequenceFile, openSequenceFile } from './open.js'
export { rawRecords } from './raw-records.js'
export { SequenceFileReader, type SequenceFileReaderOptions } from './reader.js'
export { StreamDigest, streamSha256 } from './stream-digest.js'
export {
  createSequenceFileWriter,
  type SequenceFileWriter,
  type SequenceFileWriterOptions,
} from './writer.js'
