import type { ByteSink } from '../byte-sink.js'
import type { ByteSource } from '../byte-source.js'

/*
 * A MapFile is a directory:
 *
 *   data        SequenceFile of the records, in ascending order of their keys; equal keys may follow another
 *   index       SequenceFile of key and LongWritable: the position in `data` of every n-th record
 *   _checksum   ours, hidden from Hadoop by its name: see checksum-file.ts
 */
export const DATA_FILE = 'data'
export const INDEX_FILE = 'index'
export const CHECKSUM_FILE = '_checksum'

/** An existing MapFile. The sources stay the caller's to close. */
export interface MapFileSources {
  data: ByteSource
  index?: ByteSource
  checksum?: ByteSource
}

/** A MapFile to be written. */
export interface MapFileSinks {
  data: ByteSink
  index: ByteSink
  checksum?: ByteSink
}
