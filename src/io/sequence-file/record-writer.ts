import { KeyError } from '../../errors.js'
import type { ByteSink } from '../byte-sink.js'
import { joinBytes, writeInt32 } from '../bytes.js'
import { MAX_BUFFER_BYTES, type WritingCodec } from '../codecs/codec.js'
import type { Waiting } from '../waiting.js'
import { ESCAPE_BYTES, LENGTH_BYTES, RECORD_HEAD_BYTES, SYNC_BYTES, SYNC_ESCAPE } from './format.js'
import type { OutputStage } from './output-stage.js'
import type { SequenceFileWriter } from './sequence-file-writer.js'

/** Records below this are put together in the writer's own memory. */
const SMALL_RECORD_BYTES = 4 * 1024

/** Writes records one by one, for compression NONE and, with a codec, RECORD; layout in format.ts. */
export class RecordWriter implements SequenceFileWriter {
  /** Where the last sync marker ended. Hadoop counts from the file's first byte, not from its first record. */
  private lastSync = 0

  constructor(
    private readonly sink: ByteSink,
    private readonly stage: OutputStage,
    private readonly syncMarker: Uint8Array,
    private readonly compressor: WritingCodec | undefined,
    private readonly syncInterval: number,
  ) {}

  get position(): number {
    return this.stage.position
  }

  get codec(): string | undefined {
    return this.compressor?.className
  }

  append(key: Uint8Array, value: Uint8Array | readonly Uint8Array[]): Waiting {
    let body = value instanceof Uint8Array ? [value] : value
    if (this.compressor) body = [this.compressor.compress(joinBytes(body))]
    let recordLength = key.length
    for (const part of body) recordLength += part.length
    if (recordLength > MAX_BUFFER_BYTES) {
      throw new KeyError(
        `Cannot write a record to ${this.sink.name}: it takes ${recordLength} bytes and the format ends at ${MAX_BUFFER_BYTES}`,
        { details: { file: this.sink.name, length: recordLength, limit: MAX_BUFFER_BYTES } },
      )
    }
    if (!this.compressor && recordLength < SMALL_RECORD_BYTES)
      return this.appendSmall(key, body, recordLength)
    const syncBytes = this.position >= this.lastSync + this.syncInterval ? SYNC_BYTES : 0
    const head = Buffer.allocUnsafe(syncBytes + RECORD_HEAD_BYTES + key.length)
    if (syncBytes > 0) {
      writeInt32(head, 0, SYNC_ESCAPE)
      head.set(this.syncMarker, ESCAPE_BYTES)
      this.lastSync = this.position + SYNC_BYTES
    }
    writeInt32(head, syncBytes, recordLength)
    writeInt32(head, syncBytes + LENGTH_BYTES, key.length)
    head.set(key, syncBytes + RECORD_HEAD_BYTES)
    return this.stage.write(head, body)
  }

  /** The same without an array for the head: most of the time over records of a hundred bytes. */
  private appendSmall(key: Uint8Array, body: readonly Uint8Array[], recordLength: number): Waiting {
    const { stage } = this
    const syncBytes = this.position >= this.lastSync + this.syncInterval ? SYNC_BYTES : 0
    if (syncBytes > 0) this.lastSync = this.position + SYNC_BYTES
    const wait = stage.reserve(syncBytes + RECORD_HEAD_BYTES + recordLength)
    const { buffer } = stage
    let at = stage.offset
    if (syncBytes > 0) {
      writeInt32(buffer, at, SYNC_ESCAPE)
      buffer.set(this.syncMarker, at + ESCAPE_BYTES)
      at += SYNC_BYTES
    }
    writeInt32(buffer, at, recordLength)
    writeInt32(buffer, at + LENGTH_BYTES, key.length)
    at += RECORD_HEAD_BYTES
    buffer.set(key, at)
    at += key.length
    for (const part of body) {
      buffer.set(part, at)
      at += part.length
    }
    return wait
  }

  async close(): Promise<void> {
    await this.stage.flush()
    await this.sink.close()
  }

  async abort(): Promise<void> {
    await this.sink.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sink[Symbol.asyncDispose]()
  }
}
