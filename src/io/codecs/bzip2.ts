import { FormatError } from '../../errors.js'
import { ByteBuilder, EMPTY_BYTES } from '../bytes.js'
import { Bits, decodeBzip2, decodeBzip2Blocks, MAX_BLOCK_BYTES } from './bzip2-decoder.js'
import type { Codec, StreamDecoder } from './codec.js'

const FIRST_OUTPUT_BYTES = 16 * 1024
const USUAL_RATIO = 8

/**
 * Reading only: no maintained encoder is known. The decoder is our own, because those in JavaScript refuse
 * randomised blocks, which Hadoop's Java encoder makes of bytes that repeat themselves a lot.
 */
export const BZip2Codec: Codec = {
  className: 'org.apache.hadoop.io.compress.BZip2Codec',
  decompress(bytes, limit) {
    if (bytes.length === 0) return EMPTY_BYTES
    const output = new ByteBuilder(Math.max(FIRST_OUTPUT_BYTES, Math.min(limit, bytes.length * USUAL_RATIO)))
    try {
      decodeBzip2(bytes, output, limit)
    } catch (cause) {
      throw damaged(cause)
    }
    return output.view()
  },
  decoder: () => new Bzip2Decoder(),
}

class Bzip2Decoder implements StreamDecoder {
  private readonly bits = new Bits(EMPTY_BYTES)
  private readonly output = new ByteBuilder(FIRST_OUTPUT_BYTES)
  private isDone = false
  private isEmpty = true
  private readonly blocks: Generator<void>

  constructor() {
    this.blocks = decodeBzip2Blocks(this.bits, this.output, Number.MAX_SAFE_INTEGER)
  }

  *push(bytes: Uint8Array): Iterable<Uint8Array> {
    this.bits.append(bytes)
    if (bytes.length > 0) this.isEmpty = false
    while (this.bits.bytesLeft >= MAX_BLOCK_BYTES) yield* this.nextBlock()
  }

  *end(): Iterable<Uint8Array> {
    // An empty file is no stream at all, and holds nothing.
    if (this.isEmpty) return
    while (!this.isDone) yield* this.nextBlock()
  }

  private *nextBlock(): Iterable<Uint8Array> {
    try {
      this.isDone = this.blocks.next().done === true
    } catch (cause) {
      throw damaged(cause)
    }
    if (this.output.length > 0) yield Buffer.from(this.output.view())
    this.output.clear()
  }
}

function damaged(cause: unknown): unknown {
  if (!(cause instanceof FormatError)) return cause
  return new FormatError(`Cannot decompress BZip2Codec data: ${cause.message}`, { cause })
}
