/**
 * Hadoop's WritableComparator.hashBytes: h = 31 h + byte, over signed bytes, from 1, as int32.
 * @param start first byte that counts
 * @param end first byte that does not
 */
export function hashBytes(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let hash = 1
  for (let i = start; i < end; i++) hash = (Math.imul(31, hash) + ((bytes[i]! << 24) >> 24)) | 0
  return hash
}

/**
 * The part that Hadoop's HashPartitioner gives a key.
 * @param hash the key's Java hashCode
 * @param parts number of parts
 */
export function hashPartition(hash: number, parts: number): number {
  return (hash & 0x7fffffff) % parts
}
