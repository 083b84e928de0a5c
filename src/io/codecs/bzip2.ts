import { FormatError } from '../../errors.js'
import { ByteBuilder, EMPTY_BYTES } from '../bytes.js'
import type { Codec } from './codec.js'
import { importOptional } from './optional-package.js'

interface Bzip2Package {
  decode(input: object, output: object, multistream: boolean): unknown
}

const FIRST_OUTPUT_BYTES = 16 * 1024
const USUAL_RATIO = 8

/** Reading only: no maintained encoder is known. @throws MissingPackageError */
export async function loadBzip2(): Promise<Codec> {
  const bzip2 = await importOptional<Bzip2Package>('seek-bzip', 'bzip2 compression')
  return {
    className: 'org.apache.hadoop.io.compress.BZip2Codec',
    decompress(bytes, limit) {
      if (bytes.length === 0) return EMPTY_BYTES
      const output = new BoundedOutput(Math.min(limit, bytes.length * USUAL_RATIO), limit)
      try {
        bzip2.decode(new Input(bytes), output, true)
      } catch (cause) {
        throw new FormatError(`Cannot decompress BZip2Codec data: ${(cause as Error).message}`, { cause })
      }
      return output.bytes.view()
    },
  }
}

/** The package's own input goes on for ever behind the end of its bytes. */
class Input {
  private at = 0
  constructor(private readonly bytes: Uint8Array) {}

  readByte(): number {
    if (this.at === this.bytes.length) throw new FormatError('it ends too early')
    return this.bytes[this.at++]!
  }

  read(buffer: Uint8Array, offset: number, length: number): number {
    for (let i = 0; i < length; i++) buffer[offset + i] = this.readByte()
    return length
  }

  eof(): boolean {
    return this.at === this.bytes.length
  }
}

class BoundedOutput {
  readonly bytes: ByteBuilder

  constructor(
    expected: number,
    private readonly limit: number,
  ) {
    this.bytes = new ByteBuilder(Math.max(FIRST_OUTPUT_BYTES, expected))
  }

  writeByte(byte: number): void {
    if (this.bytes.length === this.limit)
      throw new FormatError(`it holds more than the stated ${this.limit} bytes`)
    this.bytes.reserve(1)[this.bytes.length++] = byte
  }
}
