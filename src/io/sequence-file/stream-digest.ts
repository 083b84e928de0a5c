import { createHash } from 'node:crypto'
import { writeInt32 } from '../bytes.js'
import { LENGTH_BYTES, type RawRecord } from './format.js'

/**
 * A digest of records that does not depend on how they are stored: SHA-256 over, for each record in order,
 *
 *   int32   length of the key
 *   bytes   the key, serialized
 *   int32   length of the value
 *   bytes   the value, serialized, decompressed
 */
export class StreamDigest {
  records = 0
  private readonly hash = createHash('sha256')
  private readonly length = new Uint8Array(LENGTH_BYTES)

  update({ key, value }: Pick<RawRecord, 'key' | 'value'>): void {
    this.records++
    for (const part of [key, value]) {
      writeInt32(this.length, 0, part.length)
      this.hash.update(this.length).update(part)
    }
  }

  /** Hexadecimal. To be called once. */
  digest(): string {
    return this.hash.digest('hex')
  }
}

/** The digest of all records of a reader or scan. */
export async function streamSha256(
  records: AsyncIterable<RawRecord>,
): Promise<{ records: number; sha256: string }> {
  const digest = new StreamDigest()
  for await (const record of records) digest.update(record)
  return { records: digest.records, sha256: digest.digest() }
}
