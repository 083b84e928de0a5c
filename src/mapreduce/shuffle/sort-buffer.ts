import type { RawOrder } from '../../io/writables/raw-order.js'

/** Offset of the key, its length, the value's length, the partition: four uint32 for each record. */
const META_WORDS = 4
const WORD_BYTES = 4
/** What sorting takes besides, for each record: its place in the order, and its prefix. */
const SORT_BYTES = 4 + 8
const RECORD_BYTES = META_WORDS * WORD_BYTES + SORT_BYTES

/** A prefix and the record's number share 64 bits. */
const NUMBER_BITS = 24
const PREFIX_BYTES = 5
const MOST_RECORDS = 2 ** NUMBER_BITS

/** Runs of equal prefixes up to this are ordered by comparing whole keys. */
const SMALL_RUN = 16

export interface SortBufferOptions {
  /** All that the buffer may take, with what sorting takes. */
  bytes: number
  partitions: number
  /** Compares serialized keys. */
  compare(a: Uint8Array, b: Uint8Array): number
  /** Tells that order from the bytes alone, where that can be. */
  order?: RawOrder | undefined
}

/**
 * Serialized records in packed memory, sorted by partition and key; equal keys stay in the order in which
 * they came. Data grows from the start of one array and its metadata from the end, as in Hadoop's
 * MapOutputBuffer, so that many small records and few large ones fill it alike.
 */
export class SortBuffer {
  private readonly data: Uint8Array
  private readonly meta: Uint32Array
  private end = 0
  /** Records held. */
  count = 0

  constructor(private readonly options: SortBufferOptions) {
    const words = Math.floor(options.bytes / WORD_BYTES)
    // Untouched pages take no memory, so a small job pays for what it holds.
    const memory = new ArrayBuffer(words * WORD_BYTES)
    this.data = new Uint8Array(memory)
    this.meta = new Uint32Array(memory)
  }

  /** Bytes of the keys and values held. */
  get bytes(): number {
    return this.end
  }

  /** Whether a record of this size would ever fit. */
  fits(keyBytes: number, valueBytes: number): boolean {
    return keyBytes + valueBytes + RECORD_BYTES <= this.data.length
  }

  /** Copies a record in; false when there is no room. */
  add(partition: number, key: Uint8Array, value: Uint8Array): boolean {
    const { data, meta, count } = this
    const end = this.end + key.length + value.length
    if (end + (count + 1) * RECORD_BYTES > data.length || count === MOST_RECORDS) return false
    data.set(key, this.end)
    data.set(value, this.end + key.length)
    const at = meta.length - (count + 1) * META_WORDS
    meta[at] = this.end
    meta[at + 1] = key.length
    meta[at + 2] = value.length
    meta[at + 3] = partition
    this.end = end
    this.count++
    return true
  }

  clear(): void {
    this.end = 0
    this.count = 0
  }

  /** The records of each partition in order; views of the buffer, valid until it is written to again. */
  sorted(): SortedRecords[] {
    const { count, meta } = this
    const { partitions } = this.options
    const ends = new Uint32Array(partitions)
    for (let record = 0; record < count; record++) ends[this.partitionOf(record)]!++
    for (let partition = 1; partition < partitions; partition++) ends[partition]! += ends[partition - 1]!
    const order = new Uint32Array(count)
    // From the last one down, so that records of a partition stay in the order in which they came.
    const next = ends.slice()
    for (let record = count - 1; record >= 0; record--) order[--next[this.partitionOf(record)]!] = record
    const sorter = this.options.order
      ? new PrefixSorter(this.data, meta, order, this.options.order, (a, b) => this.compareRecords(a, b))
      : undefined
    return Array.from(ends, (end, partition) => {
      const start = partition === 0 ? 0 : ends[partition - 1]!
      if (sorter) sorter.sort(start, end)
      else order.subarray(start, end).sort((a, b) => this.compareRecords(a, b))
      return new SortedRecords(this.data, meta, order.subarray(start, end))
    })
  }

  private partitionOf(record: number): number {
    return this.meta[this.meta.length - (record + 1) * META_WORDS + 3]!
  }

  private compareRecords(a: number, b: number): number {
    return this.options.compare(this.key(a), this.key(b)) || a - b
  }

  private key(record: number): Uint8Array {
    const at = this.meta.length - (record + 1) * META_WORDS
    const start = this.meta[at]!
    return this.data.subarray(start, start + this.meta[at + 1]!)
  }
}

/** Records of one partition in their order, as a source of a merge is read. */
export class SortedRecords {
  private at = 0

  constructor(
    private readonly data: Uint8Array,
    private readonly meta: Uint32Array,
    private readonly order: Uint32Array,
  ) {}

  get count(): number {
    return this.order.length
  }

  async fill(): Promise<boolean> {
    return this.at < this.order.length
  }

  next(): { key: Uint8Array; value: Uint8Array; position: number } | undefined {
    if (this.at === this.order.length) return undefined
    const record = this.order[this.at++]!
    const at = this.meta.length - (record + 1) * META_WORDS
    const start = this.meta[at]!
    const middle = start + this.meta[at + 1]!
    const end = middle + this.meta[at + 2]!
    return { key: this.data.subarray(start, middle), value: this.data.subarray(middle, end), position: start }
  }
}

/**
 * Sorts records by the bytes of their keys: five bytes at a time are put before the record's number in a
 * 64-bit integer, and those are sorted by the engine's own sort of numbers; what is equal in these bytes is
 * sorted by the next five. Bytes that all keys of a range share are passed over.
 */
class PrefixSorter {
  constructor(
    private readonly data: Uint8Array,
    private readonly meta: Uint32Array,
    private readonly order: Uint32Array,
    private readonly rawOrder: RawOrder,
    private readonly compare: (a: number, b: number) => number,
  ) {}

  /** Sorts the records that stand in the order from `start` to `end` and are alike before `depth`. */
  sort(start: number, end: number, depth = 0): void {
    const size = end - start
    if (size <= SMALL_RUN) {
      this.sortSmall(start, end)
      return
    }
    const shared = this.sharedBytes(start, end, depth)
    if (shared === undefined) return
    const from = depth + shared
    const prefixes = new BigUint64Array(size)
    this.fillPrefixes(new Uint32Array(prefixes.buffer), start, from)
    prefixes.sort()
    this.reorder(prefixes, start)
    const words = new Uint32Array(prefixes.buffer)
    for (let first = 0; first < size; ) {
      let next = first + 1
      while (next < size && this.isSamePrefix(words, first, next)) next++
      if (next - first > 1) this.sort(start + first, start + next, from + PREFIX_BYTES)
      first = next
    }
  }

  /** Few records, or such that their bytes tell nothing more. */
  private sortSmall(start: number, end: number): void {
    const { order, compare } = this
    for (let i = start + 1; i < end; i++) {
      const record = order[i]!
      let at = i
      for (; at > start && compare(order[at - 1]!, record) > 0; at--) order[at] = order[at - 1]!
      order[at] = record
    }
  }

  /**
   * How many bytes from `depth` on all keys share. Undefined when the range is in order already, because
   * all keys are equal, or because nothing but the lengths of zero-padded keys differs.
   */
  private sharedBytes(start: number, end: number, depth: number): number | undefined {
    const { data, order } = this
    const first = this.start(order[start]!)
    const firstLength = this.end(order[start]!) - first
    let shared = Math.max(0, firstLength - depth)
    let areAsLong = true
    let longest = firstLength
    for (let i = start + 1; i < end && (shared > 0 || longest <= depth || areAsLong); i++) {
      const key = this.start(order[i]!)
      const length = this.end(order[i]!) - key
      areAsLong &&= length === firstLength
      longest = Math.max(longest, length)
      const limit = Math.min(shared, Math.max(0, length - depth))
      let at = 0
      while (at < limit && data[first + depth + at] === data[key + depth + at]) at++
      shared = at
    }
    if (areAsLong && shared === Math.max(0, firstLength - depth)) return undefined
    if (longest > depth) return shared
    // Only zeros were compared beyond the ends: the shorter key is the lesser.
    this.order.subarray(start, end).sort(this.compare)
    return undefined
  }

  private fillPrefixes(words: Uint32Array, start: number, depth: number): void {
    const { data, order } = this
    const size = words.length / 2
    const flip = depth === 0 && this.rawOrder.isSigned ? 0x80 : 0
    for (let i = 0; i < size; i++) {
      const at = this.start(order[start + i]!) + depth
      const end = this.end(order[start + i]!)
      const byte = (offset: number): number => (at + offset < end ? data[at + offset]! : 0)
      // Little-endian: the low word comes first.
      words[2 * i] = (byte(4) << NUMBER_BITS) | i
      words[2 * i + 1] = ((byte(0) ^ flip) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)
    }
  }

  private reorder(prefixes: BigUint64Array, start: number): void {
    const { order } = this
    const words = new Uint32Array(prefixes.buffer)
    const before = order.slice(start, start + prefixes.length)
    for (let i = 0; i < prefixes.length; i++) order[start + i] = before[words[2 * i]! & (MOST_RECORDS - 1)]!
  }

  private isSamePrefix(words: Uint32Array, a: number, b: number): boolean {
    return (
      words[2 * a + 1] === words[2 * b + 1] && words[2 * a]! >>> NUMBER_BITS === words[2 * b]! >>> NUMBER_BITS
    )
  }

  /** Where the bytes of a key that count begin. */
  private start(record: number): number {
    const key = this.meta[this.meta.length - (record + 1) * META_WORDS]!
    return key + this.rawOrder.start(this.data[key]!)
  }

  private end(record: number): number {
    const at = this.meta.length - (record + 1) * META_WORDS
    return this.meta[at]! + this.meta[at + 1]!
  }
}
