import { equalBytes } from '../../io/bytes.js'
import type { PackedIndex } from '../../io/map-file/index.js'
import type { RawRecord } from '../../io/sequence-file/index.js'
import type { FaultList } from './fault-list.js'
import { keyForMessage } from './record-json.js'

/**
 * Checks while `data` is walked that each entry of its index leads to a record with the entry's key: the one
 * at its position, or with BLOCK one of the block there.
 */
export class IndexCheck {
  /** Entries in the order of their positions, which is that of the entries unless the index is wrong. */
  private readonly order: Uint32Array
  private next = 0
  /** Entries for the position that the walk is at, whose key has not come yet. */
  private pending: number[] = []
  private pendingPosition = -1
  private wrong: { entry: number; reason: string }[] = []

  constructor(
    private readonly index: PackedIndex,
    private readonly file: string,
    private readonly keyClass: string,
  ) {
    this.order = Uint32Array.from({ length: index.count }, (_, entry) => entry)
    let ascending = true
    for (let i = 1; i < index.count && ascending; i++) ascending = index.position(i - 1) <= index.position(i)
    if (!ascending) this.order.sort((a, b) => index.position(a) - index.position(b))
  }

  record({ key, position }: RawRecord): void {
    if (position !== this.pendingPosition) this.moveTo(position)
    if (this.pending.length === 0) return
    const found = this.pending.findIndex((entry) => equalBytes(this.index.key(entry), key))
    if (found >= 0) this.pending.splice(found, 1)
  }

  /** Bytes of `data` were passed over: the entries that lead there name records that are lost. */
  skipped(start: number, end: number, faults: FaultList): void {
    this.moveTo(start)
    const lost = this.pending
    this.pending = []
    while (this.next < this.order.length && this.nextPosition() < end) lost.push(this.order[this.next++]!)
    for (const entry of lost) {
      const key = keyForMessage(this.keyClass, this.index.key(entry))
      const offset = this.index.position(entry)
      faults.add('lost', `Record ${JSON.stringify(key)} at ${offset} of ${this.file} can't be read`, {
        key,
        offset,
      })
    }
  }

  /** @param length bytes of `data` */
  finish(length: number, records: number, faults: FaultList): void {
    this.moveTo(Number.POSITIVE_INFINITY)
    const { index, wrong } = this
    const toldAll = wrong.length > 1 && wrong.length === index.count
    if (index.count === 0 && records > 0) {
      faults.add('index', `The index of ${this.file} has no entry for its ${records} records; ${RUN_FIX}`)
    } else if (toldAll && wrong.every(({ entry }) => index.position(entry) < length)) {
      faults.add(
        'index',
        `The index is not that of ${this.file}: none of its ${index.count} entries leads to its record; ${RUN_FIX}`,
      )
    } else for (const each of wrong) this.report(each, length, faults)
  }

  private report(
    { entry, reason }: { entry: number; reason: string },
    length: number,
    faults: FaultList,
  ): void {
    const offset = this.index.position(entry)
    const key = keyForMessage(this.keyClass, this.index.key(entry))
    const why = offset >= length ? `the file ends at ${length}` : reason
    faults.add(
      offset >= length ? 'truncated' : 'index',
      `Index entry ${entry}, ${JSON.stringify(key)}, points to ${offset} of ${this.file}: ${why}`,
      { key, offset },
    )
  }

  /** Ends with the entries for earlier positions and takes those for this one. */
  private moveTo(position: number): void {
    for (const entry of this.pending) this.wrong.push({ entry, reason: 'the record there has another key' })
    this.pending = []
    this.pendingPosition = position
    while (this.next < this.order.length && this.nextPosition() <= position) {
      const entry = this.order[this.next++]!
      if (this.index.position(entry) === position) this.pending.push(entry)
      else this.wrong.push({ entry, reason: 'no record begins there' })
    }
  }

  private nextPosition(): number {
    return this.index.position(this.order[this.next]!)
  }
}

const RUN_FIX = 'run "pixelreduce fix"'
