import { FormatError } from '../../errors.js'
import type { ByteSource } from '../byte-source.js'
import { ByteBuilder } from '../bytes.js'
import { SequenceFileReader } from '../sequence-file/index.js'
import { LongWritable, longToNumber } from '../writables/integers.js'

const FIRST_CAPACITY = 1024

/**
 * A MapFile's index in memory: all keys in one array, their ends and positions in two more. A million
 * entries cost their bytes and little else, and nothing for the garbage collector to walk.
 */
export class PackedIndex {
  private constructor(
    private readonly keys: Uint8Array,
    private readonly keyEnds: Uint32Array,
    private readonly positions: Float64Array,
    private readonly compare: (a: Uint8Array, b: Uint8Array) => number,
  ) {}

  /**
   * @param compare the key class's raw comparator
   * @throws FormatError when it is no index for keys of that class, or its keys are out of order.
   * @throws TruncatedError when it is cut short.
   */
  static async load(
    source: ByteSource,
    keyClass: string,
    compare: (a: Uint8Array, b: Uint8Array) => number,
  ): Promise<PackedIndex> {
    await using reader = await SequenceFileReader.open(source)
    const { header } = reader
    if (header.keyClass !== keyClass || header.valueClass !== LongWritable.className) {
      throw new FormatError(
        `Cannot read the index ${source.name}: it maps ${header.keyClass} to ${header.valueClass} instead of ${keyClass} to ${LongWritable.className}`,
        { details: { file: source.name } },
      )
    }
    const keys = new ByteBuilder()
    let ends = new Uint32Array(FIRST_CAPACITY)
    let positions = new Float64Array(FIRST_CAPACITY)
    let count = 0
    let last: Uint8Array | undefined
    while (await reader.fill()) {
      for (let entry = reader.next(); entry; entry = reader.next()) {
        if (count === ends.length) {
          ends = grown(ends, new Uint32Array(count * 2))
          positions = grown(positions, new Float64Array(count * 2))
        }
        if (last && compare(last, entry.key) > 0) {
          throw new FormatError(
            `Cannot read the index ${source.name}: the key of entry ${count} is out of order`,
            {
              details: { file: source.name, offset: entry.position, entry: count },
            },
          )
        }
        last = entry.key
        keys.append(entry.key)
        ends[count] = keys.length
        positions[count] = longToNumber(entry.value)
        count++
      }
    }
    // Not trimmed: that would hold everything twice, and memory that was never written to takes none.
    const { buffer, byteOffset, length } = keys.view()
    // A plain array, because a Buffer's subarray costs more, and a search makes many.
    const packed = new Uint8Array(buffer, byteOffset, length)
    return new PackedIndex(packed, ends.subarray(0, count), positions.subarray(0, count), compare)
  }

  get count(): number {
    return this.positions.length
  }

  key(entry: number): Uint8Array {
    return this.keys.subarray(entry === 0 ? 0 : this.keyEnds[entry - 1]!, this.keyEnds[entry]!)
  }

  position(entry: number): number {
    return this.positions[entry]!
  }

  /** The first entry whose key is not below this one; `count` when all are. */
  firstNotBelow(key: Uint8Array): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.compare(this.key(middle), key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The entry with exactly this position, or -1. */
  entryAt(position: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.position(middle) < position) low = middle + 1
      else high = middle
    }
    return low < this.count && this.position(low) === position ? low : -1
  }
}

function grown<A extends Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from)
  return to
}
