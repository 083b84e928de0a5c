import type { Waiting } from '../../io/waiting.js'
import type { PartReport } from '../task/task.js'

/** One part of an output being written: Hadoop's RecordWriter. Disposing without `close` abandons it. */
export interface RecordPart extends AsyncDisposable {
  /** Takes a record as its Writables serialized it; for a MapFile in the order of the keys. */
  append(key: Uint8Array, value: Uint8Array | readonly Uint8Array[]): Waiting
  /** Closes the files and reads back what they hold. */
  close(): Promise<PartReport>
}
