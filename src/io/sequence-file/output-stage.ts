import type { ByteSink } from '../byte-sink.js'
import { both, type Waiting } from '../waiting.js'

const STAGE_BYTES = 64 * 1024
/** A piece from this size goes to the sink as it is; below it, copying costs less than a write. */
const OWN_WRITE_BYTES = 8 * 1024

/**
 * Gathers the small pieces of many records into writes of some size. A stage that has been handed to the
 * sink is never written to again, because the sink owns it.
 */
export class OutputStage {
  /** Bytes taken so far, whether the sink has them yet or not. */
  position = 0
  private stage: Buffer = Buffer.allocUnsafeSlow(STAGE_BYTES)
  /** Where the room that `reserve` made begins. */
  offset = 0
  private start = 0
  private end = 0

  constructor(private readonly sink: ByteSink) {}

  /**
   * Takes a record's pieces over. Returns the sink's promise where it asks to wait.
   * @param head small and made anew for each record
   * @param body at most a few pieces of any size
   */
  write(head: Uint8Array, body: readonly Uint8Array[] = []): Waiting {
    let wait = this.put(head)
    for (const piece of body) wait = both(wait, this.put(piece))
    return wait
  }

  /**
   * Room for a small piece that the caller writes into `buffer` at `offset` before anything else is asked
   * of the stage: what many small records are written by, without an array for each.
   * @param bytes below 64 KiB
   * @returns the sink's promise where it asks to wait
   */
  reserve(bytes: number): Waiting {
    const wait = this.end + bytes > STAGE_BYTES ? this.turn() : undefined
    this.offset = this.end
    this.end += bytes
    this.position += bytes
    return wait
  }

  get buffer(): Uint8Array {
    return this.stage
  }

  /** Hands everything to the sink. */
  flush(): Waiting {
    if (this.end === this.start) return
    const full = this.stage.subarray(this.start, this.end)
    this.start = this.end
    return this.sink.write(full)
  }

  private put(piece: Uint8Array): Waiting {
    this.position += piece.length
    if (piece.length >= OWN_WRITE_BYTES) {
      const before = this.flush()
      return both(before, this.sink.write(piece))
    }
    const wait = this.end + piece.length > STAGE_BYTES ? this.turn() : undefined
    this.stage.set(piece, this.end)
    this.end += piece.length
    return wait
  }

  private turn(): Waiting {
    const wait = this.flush()
    this.stage = Buffer.allocUnsafeSlow(STAGE_BYTES)
    this.start = this.end = 0
    return wait
  }
}
