import { UserCodeError } from '../../errors.js'
import type { RecordInput } from '../../io/map-file/merge.js'
import type { RawRecord } from '../../io/sequence-file/index.js'

/**
 * Records in order, a group of equal keys at a time: what a reducer and a combiner are called with. Values
 * are read as they are asked for, never all in memory; what was not asked for is passed over.
 */
export class Groups {
  /** Records read so far, whether anybody looked at their values or not. */
  records = 0
  /** The key of the record whose value was given out last: with a grouping comparator not always the group's. */
  key: Uint8Array
  private head: RawRecord | undefined

  /**
   * @param isSameGroup compares serialized keys
   */
  constructor(
    private readonly input: RecordInput,
    private readonly isSameGroup: (a: Uint8Array, b: Uint8Array) => boolean,
  ) {
    this.key = new Uint8Array(0)
  }

  /** Goes to the next group, and tells whether there is one. */
  async next(): Promise<boolean> {
    this.head ??= await this.read()
    if (!this.head) return false
    this.key = this.head.key
    return true
  }

  /** The values of the group, decoded one at a time; to be read once, before the next group. */
  values<V>(decode: (value: Uint8Array) => V): GroupValues<V> {
    return new GroupValues(this.key, (groupKey) => this.take(groupKey), decode)
  }

  /** Passes over what is left of a group. */
  async skipRest(values: GroupValues<unknown>): Promise<void> {
    values.end()
    for (let left = this.take(values.groupKey); ; left = this.take(values.groupKey)) {
      const record = left instanceof Promise ? await left : left
      if (!record) return
    }
  }

  /** The next record of the group; a promise where it has to be read first. */
  private take(groupKey: Uint8Array): RawRecord | undefined | Promise<RawRecord | undefined> {
    if (!this.head) {
      const next = this.input.next()
      if (!next) return this.takeLater(groupKey)
      this.head = next
      this.records++
    }
    return this.takeHead(groupKey)
  }

  private async takeLater(groupKey: Uint8Array): Promise<RawRecord | undefined> {
    this.head = await this.read()
    return this.takeHead(groupKey)
  }

  private takeHead(groupKey: Uint8Array): RawRecord | undefined {
    const record = this.head
    if (!record || !(record.key === groupKey || this.isSameGroup(record.key, groupKey))) return undefined
    this.head = undefined
    this.key = record.key
    return record
  }

  private async read(): Promise<RawRecord | undefined> {
    for (;;) {
      const record = this.input.next()
      if (record) {
        this.records++
        return record
      }
      if (!(await this.input.fill())) return undefined
    }
  }
}

/** The values of one group. */
export class GroupValues<V> implements AsyncIterableIterator<V> {
  private ended = false

  constructor(
    readonly groupKey: Uint8Array,
    private readonly take: (groupKey: Uint8Array) => RawRecord | undefined | Promise<RawRecord | undefined>,
    private readonly decode: (value: Uint8Array) => V,
  ) {}

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<V, undefined>> {
    if (this.ended) {
      throw new UserCodeError(
        'The values of a key can be read only while reduce has not returned; await them',
      )
    }
    const taken = this.take(this.groupKey)
    const record = taken instanceof Promise ? await taken : taken
    return record ? { value: this.decode(record.value), done: false } : { value: undefined, done: true }
  }

  /** The group is over: who still holds its values gets an error. */
  end(): void {
    this.ended = true
  }
}
