/**
 * One of Hadoop's Writable classes: how its values look as bytes. Keys and values travel through
 * pixelreduce serialized; they are decoded only where somebody looks at them.
 */
export interface Writable<T> {
  /** Java class name, as it stands in a SequenceFile's header. */
  readonly className: string
  /** @throws FormatError where the class can't hold the value. */
  encode(value: T): Uint8Array
  /** @throws FormatError when the bytes are not what the class writes. */
  decode(bytes: Uint8Array): T
  /** Orders serialized values as the class's own comparator does in Hadoop. */
  compare?(a: Uint8Array, b: Uint8Array): number
  /** The class's Java hashCode, an int32, of a serialized value. */
  hashCode?(bytes: Uint8Array): number
  /** The value as something that JSON can hold. */
  toJson(value: T): unknown
}
