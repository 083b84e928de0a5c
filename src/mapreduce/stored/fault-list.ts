import { type FormatError, TruncatedError } from '../../errors.js'

/**
 * What is wrong with a file:
 *
 *   missing     a file or part is not there
 *   truncated   a file ends within a record, or before what its index or `_SUCCESS` tells
 *   format      bytes that are no record, header or entry
 *   order       a key below the one before it
 *   index       an entry that does not lead to its record, or an index of other data
 *   checksum    a `_checksum` that is damaged or of other data
 *   value       a value that differs from its checksum
 *   crc         bytes that differ from Hadoop's sidecar, or a sidecar of other data
 *   lost        a record, known by its index entry, among bytes that can't be read
 *   success     what `_SUCCESS` tells differently
 */
export type FaultKind =
  | 'missing'
  | 'truncated'
  | 'format'
  | 'order'
  | 'index'
  | 'checksum'
  | 'value'
  | 'crc'
  | 'lost'
  | 'success'

export interface Fault {
  readonly kind: FaultKind
  /** As `dump` shows it. */
  readonly key?: unknown
  /** Byte offset in the file that the message names, or in `data`. */
  readonly offset?: number
  readonly message: string
}

/** Faults that are kept in full; of more only the number is known. */
const MOST_KEPT = 1000

export class FaultList {
  readonly kept: Fault[] = []
  total = 0

  add(kind: FaultKind, message: string, where: { key?: unknown; offset?: number } = {}): void {
    this.total++
    if (this.kept.length < MOST_KEPT) this.kept.push({ kind, ...where, message })
  }

  /** @param kind where it is not plain truncation */
  addError(error: FormatError, kind: FaultKind = 'format', key?: unknown): void {
    const offset = error.details?.offset
    this.add(error instanceof TruncatedError && kind === 'format' ? 'truncated' : kind, error.message, {
      ...(key === undefined ? {} : { key }),
      ...(typeof offset === 'number' ? { offset } : {}),
    })
  }
}
