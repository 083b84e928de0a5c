import { KeyError } from '../../errors.js'
import type { ByteSink } from '../byte-sink.js'
import { ByteBuilder, joinBytes, writeInt32 } from '../bytes.js'
import { MAX_BUFFER_BYTES, type WritingCodec } from '../codecs/codec.js'
import { encodeVInt, MAX_VINT_BYTES, writeVInt } from '../vint.js'
import type { Waiting } from '../waiting.js'
import { LENGTH_BYTES, SYNC_ESCAPE } from './format.js'
import type { OutputStage } from './output-stage.js'
import type { SequenceFileWriter } from './sequence-file-writer.js'

/** Gathers records and writes them as blocks, for compression BLOCK; layout in block.ts. */
export class BlockWriter implements SequenceFileWriter {
  private records = 0
  private readonly keyLengths = new ByteBuilder()
  private readonly keys = new ByteBuilder()
  private readonly valueLengths = new ByteBuilder()
  private readonly values = new ByteBuilder()

  constructor(
    private readonly sink: ByteSink,
    private readonly stage: OutputStage,
    private readonly syncMarker: Uint8Array,
    private readonly compressor: WritingCodec,
    private readonly blockBytes: number,
  ) {}

  /** Where the block begins that the next record comes into. */
  get position(): number {
    return this.stage.position
  }

  get codec(): string {
    return this.compressor.className
  }

  append(key: Uint8Array, value: Uint8Array | readonly Uint8Array[]): Waiting {
    const parts = value instanceof Uint8Array ? [value] : value
    let valueLength = 0
    for (const part of parts) valueLength += part.length
    const length = this.keys.length + this.values.length + key.length + valueLength
    if (length > MAX_BUFFER_BYTES) {
      throw new KeyError(
        `Cannot write a record to ${this.sink.name}: its block takes ${length} bytes and the format ends at ${MAX_BUFFER_BYTES}`,
        { details: { file: this.sink.name, length, limit: MAX_BUFFER_BYTES } },
      )
    }
    appendVInt(this.keyLengths, key.length)
    this.keys.append(key)
    appendVInt(this.valueLengths, valueLength)
    for (const part of parts) this.values.append(part)
    this.records++
    if (length >= this.blockBytes) return this.writeBlock()
  }

  async close(): Promise<void> {
    if (this.records > 0) await this.writeBlock()
    await this.stage.flush()
    await this.sink.close()
  }

  async abort(): Promise<void> {
    await this.sink.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sink[Symbol.asyncDispose]()
  }

  private writeBlock(): Waiting {
    const start = new Uint8Array(LENGTH_BYTES)
    writeInt32(start, 0, SYNC_ESCAPE)
    const head = joinBytes([start, this.syncMarker, encodeVInt(this.records)])
    const body: Uint8Array[] = []
    for (const buffer of [this.keyLengths, this.keys, this.valueLengths, this.values]) {
      const compressed = this.compressor.compress(buffer.view())
      body.push(encodeVInt(compressed.length), compressed)
      buffer.clear()
    }
    this.records = 0
    return this.stage.write(head, body)
  }
}

function appendVInt(to: ByteBuilder, value: number): void {
  to.length = writeVInt(to.reserve(MAX_VINT_BYTES), to.length, value)
}
