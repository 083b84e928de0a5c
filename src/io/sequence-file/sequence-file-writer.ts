import type { Waiting } from '../waiting.js'

/**
 * Writes the records of a SequenceFile as Hadoop does. What `append` takes is handed over: the caller does
 * not change it afterwards. Disposing without `close` throws the file away.
 */
export interface SequenceFileWriter extends AsyncDisposable {
  /** As Hadoop's getLength: where a reader may seek to for the record that is appended next. */
  readonly position: number
  /** The codec's Java class name; undefined with NONE. */
  readonly codec: string | undefined
  /**
   * @param key as its Writable serialized it
   * @param value the same; in parts where that saves putting them together
   * @returns a promise when the sink asks to wait before the next record
   * @throws KeyError or FormatError for what the format can't hold
   */
  append(key: Uint8Array, value: Uint8Array | readonly Uint8Array[]): Waiting
  /** Writes what is held and closes the sink. */
  close(): Promise<void>
  /** Aborts the sink. */
  abort(): Promise<void>
}
