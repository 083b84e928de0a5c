import { FormatError } from '../../errors.js'
import { asBuffer, toHex } from '../bytes.js'
import { floatToJson } from './floats.js'

/*
 * Hadoop Streaming's typed bytes: a byte for the type, then
 *
 *     0  bytes     int32 length, bytes
 *     1  byte      int8
 *     2  bool      a byte
 *     3  int       int32
 *     4  long      int64
 *     5  float     4 bytes
 *     6  double    8 bytes
 *     7  string    int32 length, UTF-8
 *     8  vector    int32 count, typed values
 *     9  list      typed values up to a byte 255
 *    10  map       int32 count, as many pairs of typed values
 *    50 to 200     an application's own: int32 length, bytes
 */
const LIST_END = 255
const FIRST_APPLICATION_TYPE = 50
const LAST_APPLICATION_TYPE = 200
const MAX_DEPTH = 64

export interface TypedJson {
  type: string
  code?: number
  hex?: string
  value?: unknown
}

/**
 * A typed value for people and tools.
 * @throws FormatError when the bytes are not exactly one typed value.
 */
export function typedBytesToJson(bytes: Uint8Array): TypedJson {
  const cursor = new TypedCursor(asBuffer(bytes))
  const value = cursor.guarded()
  if (cursor.at !== bytes.length) {
    throw new FormatError(`Cannot read typed bytes: the value ends at ${cursor.at} of ${bytes.length} bytes`)
  }
  return value
}

class TypedCursor {
  at = 0

  constructor(private readonly bytes: Buffer) {}

  guarded(): TypedJson {
    try {
      return this.value(0)
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw new FormatError(`Cannot read typed bytes: ${this.bytes.length} bytes end within a value`, {
        cause,
      })
    }
  }

  private value(depth: number): TypedJson {
    if (depth > MAX_DEPTH) throw new FormatError(`Cannot read typed bytes: nested over ${MAX_DEPTH} deep`)
    const code = this.bytes.readUInt8(this.at++)
    switch (code) {
      case 0:
        return { type: 'bytes', code, hex: toHex(this.sized()) }
      case 1:
        return { type: 'byte', value: this.bytes.readInt8(this.skip(1)) }
      case 2:
        return { type: 'bool', value: this.bytes.readUInt8(this.skip(1)) !== 0 }
      case 3:
        return { type: 'int', value: this.int32() }
      case 4:
        return { type: 'long', value: String(this.bytes.readBigInt64BE(this.skip(8))) }
      case 5: {
        const at = this.skip(4)
        return {
          type: 'float',
          value: floatToJson(this.bytes.readFloatBE(at), this.bytes.subarray(at, this.at)),
        }
      }
      case 6: {
        const at = this.skip(8)
        return {
          type: 'double',
          value: floatToJson(this.bytes.readDoubleBE(at), this.bytes.subarray(at, this.at)),
        }
      }
      case 7:
        return { type: 'string', value: this.sized().toString('utf8') }
      case 8:
        return { type: 'vector', value: this.times(this.int32(), () => this.value(depth + 1)) }
      case 9: {
        const value: TypedJson[] = []
        while (this.bytes.readUInt8(this.at) !== LIST_END) value.push(this.value(depth + 1))
        this.at++
        return { type: 'list', value }
      }
      case 10:
        return {
          type: 'map',
          value: this.times(this.int32(), () => [this.value(depth + 1), this.value(depth + 1)]),
        }
    }
    if (code >= FIRST_APPLICATION_TYPE && code <= LAST_APPLICATION_TYPE) {
      return { type: 'app', code, hex: toHex(this.sized()) }
    }
    throw new FormatError(`Cannot read typed bytes: ${code} is no type`)
  }

  private times<T>(count: number, read: () => T): T[] {
    const values: T[] = []
    for (let i = 0; i < count; i++) values.push(read())
    return values
  }

  private int32(): number {
    return this.bytes.readInt32BE(this.skip(4))
  }

  private sized(): Buffer {
    const length = this.int32()
    if (length < 0 || this.at + length > this.bytes.length) throw new RangeError('beyond the end')
    const start = this.skip(length)
    return this.bytes.subarray(start, this.at)
  }

  private skip(count: number): number {
    this.at += count
    return this.at - count
  }
}
