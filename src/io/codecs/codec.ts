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
}

export type WritingCodec = Required<Codec>

/** No value or block of Hadoop's can be larger: Java's arrays end here. */
export const MAX_BUFFER_BYTES = 0x7fffffff
