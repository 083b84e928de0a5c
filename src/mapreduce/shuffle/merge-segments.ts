import type { FileSystem } from '../../fs/file-system.js'
import { RecordMerge } from '../../io/map-file/merge.js'
import type { KeyOrder } from './key-order.js'
import { type OpenSegment, openSegment, type Segment, type SpillFormat, SpillWriter } from './spill-file.js'

/** Where sorted records of one partition lie. */
export interface SegmentFile {
  readonly fs: FileSystem
  readonly path: string
  readonly segment: Segment
}

export interface MergeOptions {
  order: KeyOrder
  /** Bytes that the inputs of a merge may hold together. */
  bytes: number
  format: SpillFormat
  /** Makes the path of a file for what is merged on the way. */
  scratch(): { fs: FileSystem; path: string }
  signal?: AbortSignal
}

/** Inputs of one merge at the most: each holds a file open. */
const MERGE_WAYS = 64

const LEAST_PIECE_BYTES = 64 * 1024
const MOST_PIECE_BYTES = 1024 * 1024
/** Pieces of an input in memory: the one that is read from, one read ahead, and a record across two. */
const PIECES = 3

/** A merge whose inputs are open. */
export interface OpenMerge extends AsyncDisposable {
  readonly merge: RecordMerge
}

/**
 * Merges sorted segments into one order; of equal keys those of an earlier segment come first. More than
 * can be open at once are merged on disk before, neighbours with neighbours.
 */
export async function mergeSegments(
  segments: readonly SegmentFile[],
  options: MergeOptions,
): Promise<OpenMerge> {
  let inputs = segments.filter(({ segment }) => segment.records > 0)
  const ways = Math.max(2, Math.min(MERGE_WAYS, Math.floor(options.bytes / (LEAST_PIECE_BYTES * PIECES))))
  while (inputs.length > ways) {
    // No more than is needed goes to disk once more, and it is the smallest run of neighbours.
    const count = Math.min(ways, inputs.length - ways + 1)
    const first = smallestRun(inputs, count)
    const merged = await mergeToDisk(inputs.slice(first, first + count), options)
    inputs = inputs.toSpliced(first, count, merged)
  }
  return openMerge(inputs, options)
}

async function openMerge(inputs: readonly SegmentFile[], options: MergeOptions): Promise<OpenMerge> {
  const share = Math.floor(options.bytes / (Math.max(1, inputs.length) * PIECES))
  const pieceBytes = Math.max(LEAST_PIECE_BYTES, Math.min(MOST_PIECE_BYTES, share))
  const opened: OpenSegment[] = []
  const close = async () => {
    for (const each of opened) await each[Symbol.asyncDispose]()
  }
  try {
    for (const { fs, path, segment } of inputs) opened.push(await openSegment(fs, path, segment, pieceBytes))
    const readers = opened.map(({ reader }) => reader)
    return {
      merge: new RecordMerge(readers, options.order.compare, options.order.rawOrder),
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function mergeToDisk(inputs: readonly SegmentFile[], options: MergeOptions): Promise<SegmentFile> {
  const { fs, path } = options.scratch()
  await using opened = await openMerge(inputs, options)
  await using writer = await SpillWriter.create(fs, path, options.format)
  await writer.startPartition()
  const { merge } = opened
  while (await merge.fill()) {
    options.signal?.throwIfAborted()
    for (let record = merge.next(); record; record = merge.next()) {
      const waiting = writer.append(record.key, record.value)
      if (waiting) await waiting
    }
  }
  const [segment] = await writer.close()
  return { fs, path, segment: segment! }
}

function smallestRun(inputs: readonly SegmentFile[], count: number): number {
  let sum = 0
  let least = Number.POSITIVE_INFINITY
  let first = 0
  for (const [at, { segment }] of inputs.entries()) {
    sum += segment.length
    if (at >= count) sum -= inputs[at - count]!.segment.length
    if (at + 1 < count || sum >= least) continue
    least = sum
    first = at + 1 - count
  }
  return first
}
