/** Bytes that are read in pieces: a file, or the value of a record within one. */
export interface RangeReader {
  /** In bytes. */
  readonly length: number
  /**
   * The bytes [start, end), never fewer.
   * @param into where to read them to; a reader that has them elsewhere returns those instead
   */
  read(start: number, end: number, into?: Uint8Array): Promise<Uint8Array>
}

/** Bytes in memory. */
export function memoryReader(bytes: Uint8Array): RangeReader {
  return { length: bytes.length, read: async (start, end) => bytes.subarray(start, end) }
}

const WINDOW_BYTES = 16 * 1024

/** Reads a header: a few bytes here and there, most of them near one another, at the cost of few reads. */
export class HeaderWindow {
  private window: Uint8Array = new Uint8Array(0)
  private start = 0

  constructor(readonly source: RangeReader) {}

  /** The bytes from `at` on, `count` of them; fewer at the end. */
  async bytes(at: number, count: number): Promise<Uint8Array> {
    const end = Math.min(at + count, this.source.length)
    if (at < 0 || at >= end) return new Uint8Array(0)
    if (at < this.start || end > this.start + this.window.length) {
      this.window = await this.source.read(at, Math.min(this.source.length, Math.max(end, at + WINDOW_BYTES)))
      this.start = at
    }
    return this.window.subarray(at - this.start, end - this.start)
  }
}
