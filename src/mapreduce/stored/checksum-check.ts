import type { ChecksumFile } from '../../io/map-file/checksum-file.js'
import { checksumToHex, type PackedIndex, valueChecksum } from '../../io/map-file/index.js'
import type { RawRecord } from '../../io/sequence-file/index.js'
import type { FaultList } from './fault-list.js'
import { keyForMessage } from './record-json.js'

/** Checks while `data` is walked that each value is the one that `_checksum` was made of. */
export class ChecksumCheck {
  /** Number of the next record among the checksums; undefined where a position must tell it. */
  private ordinal: number | undefined = 0
  private lastPosition = -1
  private matched = 0

  constructor(
    private readonly checksums: ChecksumFile,
    private readonly index: PackedIndex | undefined,
    private readonly file: string,
    private readonly keyClass: string,
    private readonly valueClass: string,
  ) {}

  record({ key, value, position }: RawRecord, faults: FaultList): void {
    const { checksums } = this
    const ordinal = this.ordinalOf(position)
    if (ordinal === undefined || ordinal >= checksums.count) {
      const shown = keyForMessage(this.keyClass, key)
      faults.add(
        'checksum',
        `Record ${JSON.stringify(shown)} at ${position} of ${this.file} has no checksum`,
        {
          key: shown,
          offset: position,
        },
      )
      return
    }
    this.ordinal = ordinal + 1
    this.matched++
    const found = valueChecksum(this.valueClass, value)
    const expected = checksums.checksum(ordinal)
    if (found === expected) return
    const shown = keyForMessage(this.keyClass, key)
    faults.add(
      'value',
      `The value of ${JSON.stringify(shown)} at ${position} of ${this.file} is damaged: its checksum is ${checksumToHex(found)}, expected ${checksumToHex(expected)}`,
      { key: shown, offset: position },
    )
  }

  /** Records were passed over, nobody knows how many. */
  skipped(): void {
    this.ordinal = undefined
  }

  finish(faults: FaultList): void {
    const missing = this.checksums.count - this.matched
    if (missing <= 0) return
    faults.add(
      'lost',
      `${missing} of the ${this.checksums.count} records that ${this.checksums.name} has checksums for are not in ${this.file} or can't be read`,
    )
  }

  private ordinalOf(position: number): number | undefined {
    const { checksums } = this
    const sameBlock = position === this.lastPosition
    this.lastPosition = position
    if (checksums.hasPositions) {
      if (sameBlock) return this.ordinal
      const ordinal = checksums.recordAt(position)
      return ordinal < checksums.count && checksums.position(ordinal) === position ? ordinal : undefined
    }
    if (this.ordinal !== undefined) return this.ordinal
    const entry = this.index?.entryAt(position) ?? -1
    return entry < 0 ? undefined : entry
  }
}
