import { ChecksumError, FormatError } from '../../errors.js'
import type { ByteSource } from '../../io/byte-source.js'
import { readInt32 } from '../../io/bytes.js'
import { withCrc } from '../../io/crc.js'
import type { FaultList } from './fault-list.js'

/** Bytes of a file that differ from its sidecar. */
export interface BadChunk {
  readonly start: number
  readonly end: number
  readonly error: ChecksumError
}

/** In a sidecar, after its magic: how many bytes a checksum covers. */
const BYTES_PER_CRC_OFFSET = 4

/** Compares a whole file with Hadoop's sidecar and goes on behind each difference. */
export async function findBadChunks(
  source: ByteSource,
  sidecar: ByteSource,
  faults: FaultList,
  signal?: AbortSignal,
): Promise<BadChunk[]> {
  const bad: BadChunk[] = []
  try {
    const verified = await withCrc(source, sidecar)
    const bytesPerCrc = readInt32(await sidecar.read(BYTES_PER_CRC_OFFSET, BYTES_PER_CRC_OFFSET + 4), 0)
    for (let at = 0; at < source.length; ) {
      try {
        for await (const _ of verified.stream(at, source.length, signal ? { signal } : {}));
        break
      } catch (error) {
        if (!(error instanceof ChecksumError)) throw error
        const start = error.details!.offset as number
        at = Math.min(source.length, start + bytesPerCrc)
        bad.push({ start, end: at, error })
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    faults.addError(error, 'crc')
  }
  return bad
}

/** Tells while records are met which of them lie on bad bytes, so that faults name keys. */
export class BadChunkCheck {
  private next = 0
  private readonly named = new Set<BadChunk>()

  constructor(private readonly chunks: readonly BadChunk[]) {}

  /** @param keyOf asked only where something is wrong */
  range(start: number, end: number, keyOf: () => unknown, faults: FaultList): void {
    while (this.next < this.chunks.length && this.chunks[this.next]!.end <= start) this.next++
    for (let i = this.next; i < this.chunks.length && this.chunks[i]!.start < end; i++) {
      this.named.add(this.chunks[i]!)
      faults.addError(this.chunks[i]!.error, 'crc', keyOf())
    }
  }

  /** What lies on no record: the header, or bytes that could not be read. */
  finish(faults: FaultList): void {
    for (const chunk of this.chunks) if (!this.named.has(chunk)) faults.addError(chunk.error, 'crc')
  }
}
