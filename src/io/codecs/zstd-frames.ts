import { FormatError } from '../../errors.js'
import { asBuffer } from '../bytes.js'

/*
 * A Zstandard frame (RFC 8878, section 3.1), all numbers little-endian:
 *
 *   uint32  magic
 *   byte    descriptor: bits 7-6 size of the content size, 5 single segment, 2 checksum, 1-0 size of the
 *           dictionary id
 *   byte    window: exponent in bits 7-3, mantissa in bits 2-0      unless single segment
 *   0-4     dictionary id
 *   0-8     content size
 *   blocks, each:
 *     uint24  bit 0 last, bits 2-1 type (0 raw, 1 run of one byte, 2 compressed), rest size
 *     bytes   1 for a run, else size
 *   uint32  checksum                                                if the descriptor says so
 *
 * A skippable frame is a magic, a uint32 length and that many bytes.
 */
const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const SKIPPABLE_MASK = 0xfffffff0
const MAGIC_BYTES = 4
const CHECKSUM_BYTES = 4
const BLOCK_HEAD_BYTES = 3
const MAX_BLOCK_BYTES = 128 * 1024
const DICTIONARY_ID_BYTES = [0, 1, 2, 4]
const CONTENT_SIZE_BYTES = [0, 2, 4, 8]
const TWO_BYTE_SIZE_BASE = 256
const WINDOW_BASE_BITS = 10

const SINGLE_SEGMENT = 0x20
const HAS_CHECKSUM = 0x04

export interface ZstdFrame {
  readonly start: number
  readonly end: number
  /** Bytes that it states to hold, where it does. */
  readonly stated: number | undefined
  /** Most bytes that its blocks can hold. */
  readonly bound: number
}

/**
 * The frames in some bytes, found without decompressing them.
 * @throws FormatError when they are no frames or end within one.
 */
export function zstdFrames(bytes: Uint8Array): ZstdFrame[] {
  const buffer = asBuffer(bytes)
  const frames: ZstdFrame[] = []
  try {
    for (let at = 0; at < buffer.length; ) {
      const magic = buffer.readUInt32LE(at)
      if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
        at += 2 * MAGIC_BYTES + buffer.readUInt32LE(at + MAGIC_BYTES)
        continue
      }
      if (magic !== MAGIC)
        throw new FormatError('Cannot decompress ZStandardCodec data: no frame begins there')
      const frame = readFrame(buffer, at)
      if (frame.end > buffer.length) throw new RangeError('beyond the end')
      frames.push(frame)
      at = frame.end
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new FormatError('Cannot decompress ZStandardCodec data: it ends within a frame', { cause })
  }
  return frames
}

function readFrame(buffer: Buffer, start: number): ZstdFrame {
  let at = start + MAGIC_BYTES
  const descriptor = buffer.readUInt8(at++)
  const singleSegment = (descriptor & SINGLE_SEGMENT) !== 0
  let maxBlock = MAX_BLOCK_BYTES
  if (!singleSegment) {
    const window = buffer.readUInt8(at++)
    const base = 2 ** (WINDOW_BASE_BITS + (window >> 3))
    maxBlock = Math.min(maxBlock, base + (base / 8) * (window & 7))
  }
  at += DICTIONARY_ID_BYTES[descriptor & 3]!
  const sizeFlag = descriptor >> 6
  const sizeBytes = sizeFlag === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag]!
  let stated: number | undefined
  if (sizeBytes === 8) stated = Number(buffer.readBigUInt64LE(at))
  else if (sizeBytes > 0)
    stated = buffer.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? TWO_BYTE_SIZE_BASE : 0)
  at += sizeBytes
  let bound = 0
  for (let last = false; !last; ) {
    const head = buffer.readUIntLE(at, BLOCK_HEAD_BYTES)
    last = (head & 1) !== 0
    const type = (head >> 1) & 3
    const size = head >> 3
    bound += type === 2 ? maxBlock : Math.min(size, maxBlock)
    at += BLOCK_HEAD_BYTES + (type === 1 ? 1 : size)
  }
  if ((descriptor & HAS_CHECKSUM) !== 0) at += CHECKSUM_BYTES
  return { start, end: at, stated, bound }
}
