import { ChecksumError, FormatError } from '../../errors.js'
import { writableFor } from '../writables/index.js'
import { type ChecksumFile, checksumToHex, valueChecksum } from './checksum-file.js'
import type { PackedIndex } from './packed-index.js'

/** Compares the values of a MapFile's records with its checksums. */
export class RecordVerifier {
  constructor(
    private readonly file: string,
    private readonly keyClass: string,
    private readonly valueClass: string,
    private readonly checksums: ChecksumFile,
    private readonly index: PackedIndex | undefined,
    private readonly firstPosition: number,
  ) {
    if (!checksums.hasPositions && index && index.count !== checksums.count) {
      throw new FormatError(
        `Cannot verify ${file}: ${checksums.name} has ${checksums.count} checksums for the ${index.count} entries of the index; run "pixelreduce fix"`,
        { details: { file, checksums: checksums.count, entries: index.count } },
      )
    }
  }

  /** Whether every record has an index entry. */
  get everyRecordIndexed(): boolean {
    return !this.checksums.hasPositions
  }

  get records(): number {
    return this.checksums.count
  }

  /** The number among all records of the one at this position, with BLOCK of the first in its block. */
  ordinalOf(position: number): number {
    if (position === this.firstPosition) return 0
    if (!this.checksums.hasPositions) {
      const entry = this.index ? this.index.entryAt(position) : -1
      if (entry >= 0) return entry
    } else {
      const record = this.checksums.recordAt(position)
      if (record < this.checksums.count && this.checksums.position(record) === position) return record
    }
    throw new FormatError(
      `Cannot verify the record at ${position} of ${this.file}: ${this.checksums.name} has no checksum for it; run "pixelreduce fix"`,
      { details: { file: this.file, offset: position } },
    )
  }

  /** The checksum of the value of the record at this position, not with BLOCK. */
  expectedAt(position: number): bigint {
    return this.checksums.checksum(this.ordinalOf(position))
  }

  /** The error for a value that is not the one that was written. */
  check(key: Uint8Array, value: Uint8Array, ordinal: number, position: number): ChecksumError | undefined {
    const expected = ordinal < this.checksums.count ? this.checksums.checksum(ordinal) : undefined
    const found = valueChecksum(this.valueClass, value)
    if (found === expected) return undefined
    const shown = showKey(this.keyClass, key)
    const wanted = expected === undefined ? 'none' : checksumToHex(expected)
    return new ChecksumError(
      `Cannot read record ${shown} of ${this.file}: value checksum is ${checksumToHex(found)}, expected ${wanted}; run "pixelreduce verify"`,
      {
        details: {
          file: this.file,
          offset: position,
          key: shown,
          found: checksumToHex(found),
          expected: wanted,
        },
      },
    )
  }
}

/** A key for messages. */
export function showKey(keyClass: string, key: Uint8Array): string {
  const writable = writableFor(keyClass)
  try {
    return JSON.stringify(writable.toJson(writable.decode(key)))
  } catch {
    return `of ${key.length} bytes that are no ${keyClass}`
  }
}
