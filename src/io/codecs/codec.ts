/**
 * A compression codec in the form that Hadoop gives its output. Works on whole buffers and synchronously:
 * a scan meets one value or one block after the other and has nothing else to do meanwhile.
 */
export interface Codec {
  /** Java class name, as in a SequenceFile's header. */
  readonly className: string
  /** Missing where there is no encoder. */
  compress?(bytes: Uint8Array): Uint8Array
  /**
   * @param limit most bytes that may come out. Where the format states a length it is exactly that.
   * @throws FormatError when the bytes are damaged or would grow beyond the limit.
   */
  decompress(bytes: Uint8Array, limit: number): Uint8Array
  /** For a long stream; missing where node:zlib does it. */
  decoder?(): StreamDecoder
}

/**
 * Decompresses a stream of which only a piece is in memory. Each piece that comes out is the caller's to keep.
 * @throws FormatError when the bytes are damaged; from `end` also when they are cut short.
 */
export interface StreamDecoder {
  push(bytes: Uint8Array): Iterable<Uint8Array>
  end(): Iterable<Uint8Array>
}

export type WritingCodec = Codec & Required<Pick<Codec, 'compress'>>

/** No value or block of Hadoop's can be larger: Java's arrays end here. */
export const MAX_BUFFER_BYTES = 0x7fffffff
