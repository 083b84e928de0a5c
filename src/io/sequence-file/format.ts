/*
 * A SequenceFile, all numbers big-endian:
 *
 *   header        see header.ts
 *   then, with compression NONE or RECORD, records:
 *     [ int32 -1, 16 bytes sync marker ]   about every `syncInterval` bytes, before a record
 *     int32   record length = key length + value length
 *     int32   key length
 *     bytes   key
 *     bytes   value, compressed on its own with RECORD
 *   or, with BLOCK, blocks: see block.ts
 */
export const SYNC_ESCAPE = -1
export const ESCAPE_BYTES = 4
export const SYNC_MARKER_BYTES = 16
/** The escape and the marker. */
export const SYNC_BYTES = ESCAPE_BYTES + SYNC_MARKER_BYTES
export const LENGTH_BYTES = 4
/** Record length and key length. */
export const RECORD_HEAD_BYTES = 2 * LENGTH_BYTES
/** Hadoop 3's default distance between sync markers. */
export const DEFAULT_SYNC_INTERVAL = 102_400
/** Hadoop's default for io.seqfile.compress.blocksize. */
export const DEFAULT_BLOCK_BYTES = 1_000_000

export type Compression = 'NONE' | 'RECORD' | 'BLOCK'

/** A record as it stands in the file, decompressed; key and value as their Writables serialized them. */
export interface RawRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** Byte offset to seek to for this record; with BLOCK that of its block. */
  readonly position: number
}
