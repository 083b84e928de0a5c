import { FormatError, KeyError } from '../errors.js'
import type { ByteSink } from './byte-sink.js'
import type { ByteSource } from './byte-source.js'
import {
  createSequenceFileWriter,
  SequenceFileReader,
  type SequenceFileWriterOptions,
} from './sequence-file/index.js'
import { comparatorFor } from './writables/comparator.js'
import { NullWritable } from './writables/index.js'

/*
 * TotalOrderPartitioner's partition file: a SequenceFile of keys to NullWritable, one key less than there
 * are parts, strictly ascending in the order in which the job sorts. A key belongs to the part whose number
 * is that of the keys in the file that are not above it.
 */

type Compare = (a: Uint8Array, b: Uint8Array) => number

/** The keys at which one part ends and the next begins. */
export class PartitionTable {
  private constructor(
    readonly keyClass: string,
    /** Serialized, ascending. */
    readonly keys: readonly Uint8Array[],
    private readonly compare: Compare,
  ) {}

  /**
   * @param compare the order of serialized keys in which the job sorts; by default that of the class
   * @throws KeyError when the keys are not strictly ascending.
   */
  static of(
    keyClass: string,
    keys: readonly Uint8Array[],
    name = 'a partition table',
    compare: Compare = comparatorFor(keyClass, name),
  ): PartitionTable {
    for (let i = 1; i < keys.length; i++) {
      if (compare(keys[i - 1]!, keys[i]!) < 0) continue
      throw new KeyError(`Cannot use ${name}: its key ${i} is not above the one before it`, {
        details: { file: name, entry: i },
      })
    }
    return new PartitionTable(keyClass, keys, compare)
  }

  /** @throws FormatError when it is no partition file; KeyError when its keys are out of order. */
  static async read(source: ByteSource, compare?: Compare): Promise<PartitionTable> {
    await using reader = await SequenceFileReader.open(source)
    const { keyClass, valueClass } = reader.header
    if (valueClass !== NullWritable.className) {
      throw new FormatError(`Cannot read the partition file ${source.name}: its values are ${valueClass}`, {
        details: { file: source.name },
      })
    }
    const keys: Uint8Array[] = []
    for await (const { key } of reader) keys.push(key)
    return PartitionTable.of(keyClass, keys, source.name, compare)
  }

  /** Writes a file that Hadoop's TotalOrderPartitioner reads, and closes the sink. */
  async write(
    sink: ByteSink,
    options: Omit<SequenceFileWriterOptions, 'keyClass' | 'valueClass'>,
  ): Promise<void> {
    const writer = await createSequenceFileWriter(sink, {
      ...options,
      keyClass: this.keyClass,
      valueClass: NullWritable.className,
    })
    for (const key of this.keys) await writer.append(key, NullWritable.encode(null))
    await writer.close()
  }

  /** Number of parts. */
  get parts(): number {
    return this.keys.length + 1
  }

  /** The part that a serialized key belongs to. */
  partitionOf(key: Uint8Array): number {
    let low = 0
    let high = this.keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.compare(this.keys[middle]!, key) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
