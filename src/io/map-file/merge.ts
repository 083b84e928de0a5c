import type { RawRecord } from '../sequence-file/format.js'
import { type RawOrder, rawPrefix } from '../writables/raw-order.js'

/** What can be merged: SequenceFileReader, MapFileScan and their like. */
export interface RecordInput {
  fill(): Promise<boolean>
  next(): RawRecord | undefined
}

/**
 * Merges inputs whose keys ascend into one order. Of equal keys that of the earlier input comes first, and
 * those of one input keep their order. Used like a reader: `next` what is in memory, `fill` for more.
 */
export class RecordMerge implements RecordInput {
  /** Numbers of the inputs that have a record, as a heap with the least on top. */
  private readonly heap: number[] = []
  private readonly heads: (RawRecord | undefined)[] = []
  /** Inputs that have nothing in memory. */
  private waiting: number[]
  /** Of the heads' keys; see rawPrefix. */
  private readonly prefixes: Float64Array
  /** Number of the input that the last record came from. */
  from = -1

  constructor(
    private readonly inputs: readonly RecordInput[],
    private readonly compare: (a: Uint8Array, b: Uint8Array) => number,
    /** The same order as bytes show it, which spares most comparisons. @default none is known */
    private readonly rawOrder?: RawOrder,
  ) {
    this.waiting = inputs.map((_, i) => i)
    this.prefixes = new Float64Array(inputs.length)
  }

  /** Undefined when `fill` must get more: the least key is not known before each input has shown its next. */
  next(): RawRecord | undefined {
    if (this.waiting.length > 0) return undefined
    const input = this.heap[0]
    if (input === undefined) return undefined
    const record = this.heads[input]!
    const following = this.inputs[input]!.next()
    this.heads[input] = following
    if (following) {
      this.notePrefix(input, following.key)
      this.sink(0)
    } else {
      const last = this.heap.pop()!
      if (this.heap.length > 0) {
        this.heap[0] = last
        this.sink(0)
      }
      this.waiting.push(input)
    }
    this.from = input
    return record
  }

  /** False when all inputs have ended. */
  async fill(): Promise<boolean> {
    while (this.waiting.length > 0) {
      const input = this.waiting.at(-1)!
      const reader = this.inputs[input]!
      let record = reader.next()
      while (!record && (await reader.fill())) record = reader.next()
      this.waiting.pop()
      if (!record) continue
      this.heads[input] = record
      this.notePrefix(input, record.key)
      this.heap.push(input)
      this.rise(this.heap.length - 1)
    }
    return this.heap.length > 0
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RawRecord> {
    while (await this.fill()) for (let record = this.next(); record; record = this.next()) yield record
  }

  private notePrefix(input: number, key: Uint8Array): void {
    if (this.rawOrder) this.prefixes[input] = rawPrefix(this.rawOrder, key)
  }

  private before(a: number, b: number): boolean {
    const difference = this.prefixes[a]! - this.prefixes[b]!
    if (difference !== 0) return difference < 0
    const order = this.compare(this.heads[a]!.key, this.heads[b]!.key)
    return order < 0 || (order === 0 && a < b)
  }

  private rise(at: number): void {
    for (let child = at; child > 0; ) {
      const parent = (child - 1) >>> 1
      if (!this.before(this.heap[child]!, this.heap[parent]!)) return
      this.swap(child, parent)
      child = parent
    }
  }

  private sink(at: number): void {
    for (let parent = at; ; ) {
      const left = 2 * parent + 1
      if (left >= this.heap.length) return
      const right = left + 1
      const child =
        right < this.heap.length && this.before(this.heap[right]!, this.heap[left]!) ? right : left
      if (!this.before(this.heap[child]!, this.heap[parent]!)) return
      this.swap(child, parent)
      parent = child
    }
  }

  private swap(a: number, b: number): void {
    const held = this.heap[a]!
    this.heap[a] = this.heap[b]!
    this.heap[b] = held
  }
}
