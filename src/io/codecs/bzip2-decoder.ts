import { FormatError } from '../../errors.js'
import type { ByteBuilder } from '../bytes.js'
import { RANDOM_DISTANCES } from './bzip2-randomisation.js'

/*
 * A bzip2 file, bit by bit, the highest first:
 *
 *   streams, one or more:
 *     8 x 3   "BZh"
 *     8       "1" to "9": the size of a block in 100,000 bytes
 *     blocks:
 *       48    0x314159265359
 *       32    CRC of the block's bytes
 *       1     whether the block is randomised
 *       24    where the original is among the sorted rotations
 *       16    which ranges of 16 byte values occur; for each of them 16 which of its values do
 *       3     number of Huffman tables
 *       15    number of selectors; each in unary, the table's number moved to the front
 *       for each table 5, the first code length, and for each symbol the changes to it
 *       codes in groups of 50 by one table: runs, positions of a move-to-front list, the end of the block
 *     48      0x177245385090
 *     32      CRC of the blocks' CRCs
 *     zeros up to the next byte
 */
const BLOCK_MAGIC = [0x314159, 0x265359] as const
const END_MAGIC = [0x177245, 0x385090] as const
const BLOCK_UNIT_BYTES = 100_000
const MAX_CODE_BITS = 20
const MAX_TABLES = 6
const MIN_TABLES = 2
const GROUP_CODES = 50
/** Equal bytes after which a count follows. */
const RUN_BYTES = 4
const MAX_RUN_BYTES = RUN_BYTES + 255

/** More than a block takes, whatever its codes: 900,000 of 20 bits each, its tables and its selectors. */
export const MAX_BLOCK_BYTES = 3 * 1024 * 1024

/**
 * Decompresses a whole bzip2 file to a builder.
 * @param limit most bytes that may come out
 * @throws FormatError saying what is wrong, without the file's name.
 */
export function decodeBzip2(bytes: Uint8Array, output: ByteBuilder, limit: number): void {
  for (const _ of decodeBzip2Blocks(new Bits(bytes), output, limit));
}

/**
 * Decompresses a bzip2 file block by block: stops where the bits must hold another whole block, or be all
 * that there are, and where the output may be cleared.
 */
export function* decodeBzip2Blocks(bits: Bits, output: ByteBuilder, limit: number): Generator<void> {
  do {
    yield
    if (bits.take(24) !== 0x425a68) throw new FormatError('it does not begin as a bzip2 stream does')
    const level = bits.take(8) - 0x30
    if (level < 1 || level > 9) throw new FormatError(`its block size is ${level} instead of 1 to 9`)
    let streamCrc = 0
    for (;;) {
      yield
      const magic = [bits.take(24), bits.take(24)]
      const crc = bits.take32()
      if (magic[0] === END_MAGIC[0] && magic[1] === END_MAGIC[1]) {
        if (crc !== streamCrc) throw new FormatError('the CRC of a stream is wrong')
        break
      }
      if (magic[0] !== BLOCK_MAGIC[0] || magic[1] !== BLOCK_MAGIC[1])
        throw new FormatError('no block begins where one should')
      const found = decodeBlock(bits, roomFor(level * BLOCK_UNIT_BYTES), output, limit)
      if (found !== crc) throw new FormatError('the CRC of a block is wrong')
      streamCrc = (((streamCrc << 1) | (streamCrc >>> 31)) ^ crc) >>> 0
    }
    bits.alignToByte()
    yield
  } while (!bits.atEnd)
}

let room = new Uint32Array(0)

/** The same memory for each value: a file of small ones would spend its time on clearing it. */
function roomFor(blockBytes: number): Uint32Array {
  if (room.length < blockBytes) room = new Uint32Array(blockBytes)
  return room.subarray(0, blockBytes)
}

/** Returns the CRC of what the block holds. */
function decodeBlock(bits: Bits, rotations: Uint32Array, output: ByteBuilder, limit: number): number {
  const randomised = bits.take(1) === 1
  const original = bits.take(24)
  const used = readUsedBytes(bits)
  const { tables, selectors } = readTables(bits, used.length + 2)
  const length = readSymbols(bits, used, tables, selectors, rotations)
  if (length === 0) return 0
  if (original >= length) throw new FormatError('a block begins beyond its end')
  unsort(rotations, length)
  return writeRuns(rotations, length, original, randomised, output, limit)
}

function readUsedBytes(bits: Bits): Uint8Array {
  const ranges = bits.take(16)
  const used: number[] = []
  for (let range = 0; range < 16; range++) {
    if ((ranges & (0x8000 >>> range)) === 0) continue
    const values = bits.take(16)
    for (let value = 0; value < 16; value++) {
      if ((values & (0x8000 >>> value)) !== 0) used.push(range * 16 + value)
    }
  }
  if (used.length === 0) throw new FormatError('a block has no byte values')
  return Uint8Array.from(used)
}

/** A canonical Huffman code: for each length the highest code, and where its symbols are. */
interface CodeTable {
  shortest: number
  /** The highest code of each length, or -1. */
  highest: Int32Array
  /** What is taken from a code of each length for its place in `symbols`. */
  offset: Int32Array
  symbols: Uint16Array
}

function readTables(bits: Bits, symbols: number): { tables: CodeTable[]; selectors: Uint8Array } {
  const count = bits.take(3)
  if (count < MIN_TABLES || count > MAX_TABLES) throw new FormatError(`a block has ${count} tables`)
  const selectors = new Uint8Array(bits.take(15))
  if (selectors.length === 0) throw new FormatError('a block has no selectors')
  const recent = Uint8Array.from({ length: count }, (_, i) => i)
  for (let i = 0; i < selectors.length; i++) {
    let at = 0
    while (bits.take(1) === 1) if (++at >= count) throw new FormatError('a selector names no table')
    selectors[i] = moveToFront(recent, at)
  }
  const tables: CodeTable[] = []
  for (let i = 0; i < count; i++) tables.push(readTable(bits, symbols))
  return { tables, selectors }
}

function readTable(bits: Bits, symbols: number): CodeTable {
  const lengths = new Uint8Array(symbols)
  let length = bits.take(5)
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw new FormatError(`a code has ${length} bits`)
      if (bits.take(1) === 0) break
      length += bits.take(1) === 0 ? 1 : -1
    }
    lengths[symbol] = length
  }
  const table: CodeTable = {
    shortest: Math.min(...lengths),
    highest: new Int32Array(MAX_CODE_BITS + 1).fill(-1),
    offset: new Int32Array(MAX_CODE_BITS + 1),
    symbols: new Uint16Array(symbols),
  }
  let code = 0
  let place = 0
  for (let bitCount = table.shortest; bitCount <= MAX_CODE_BITS; bitCount++, code <<= 1) {
    table.offset[bitCount] = code - place
    for (let symbol = 0; symbol < symbols; symbol++) {
      if (lengths[symbol] !== bitCount) continue
      table.symbols[place++] = symbol
      table.highest[bitCount] = code++
    }
  }
  return table
}

/** Reads the codes of a block and writes its sorted bytes to `into`; returns how many there are. */
function readSymbols(
  bits: Bits,
  used: Uint8Array,
  tables: readonly CodeTable[],
  selectors: Uint8Array,
  into: Uint32Array,
): number {
  const recent = used.slice()
  const end = used.length + 1
  let length = 0
  let run = 0
  let runBit = 1
  for (let group = 0; ; group++) {
    if (group === selectors.length) throw new FormatError('a block goes on behind its last selector')
    const table = tables[selectors[group]!]!
    for (let i = 0; i < GROUP_CODES; i++) {
      const symbol = readCode(bits, table)
      if (symbol <= 1) {
        // Digits of a number whose places count 1, 2, 4 ..., each taken once or twice.
        run += runBit << symbol
        runBit *= 2
        if (run > into.length) throw new FormatError('a block holds more than its size')
        continue
      }
      if (run > 0) {
        if (length + run > into.length) throw new FormatError('a block holds more than its size')
        into.fill(recent[0]!, length, length + run)
        length += run
        run = 0
        runBit = 1
      }
      if (symbol === end) return length
      if (length === into.length) throw new FormatError('a block holds more than its size')
      into[length++] = moveToFront(recent, symbol - 1)
    }
  }
}

function readCode(bits: Bits, table: CodeTable): number {
  const { highest, offset, symbols } = table
  let code = bits.take(table.shortest)
  for (let length = table.shortest; ; ) {
    if (code <= highest[length]!) {
      const place = code - offset[length]!
      // Below the codes of its length it would be one of a shorter length, which was looked for before.
      if (place >= 0) return symbols[place]!
    }
    if (++length > MAX_CODE_BITS) throw new FormatError('a code stands for nothing')
    code = (code << 1) | bits.take(1)
  }
}

function moveToFront(recent: Uint8Array, at: number): number {
  const value = recent[at]!
  recent.copyWithin(1, 0, at)
  recent[0] = value
  return value
}

/** Adds to each sorted byte, in the bits above it, which rotation follows. */
function unsort(rotations: Uint32Array, length: number): void {
  const starts = new Uint32Array(257)
  for (let i = 0; i < length; i++) starts[rotations[i]! + 1]!++
  for (let value = 0; value < 256; value++) starts[value + 1]! += starts[value]!
  for (let i = 0; i < length; i++) {
    const place = starts[rotations[i]! & 0xff]!++
    rotations[place]! |= i << 8
  }
}

/** Follows the rotations and writes the bytes with their runs; returns their CRC. */
function writeRuns(
  rotations: Uint32Array,
  length: number,
  original: number,
  randomised: boolean,
  output: ByteBuilder,
  limit: number,
): number {
  let next = rotations[original]! >>> 8
  let crc = 0xffffffff
  let last = -1
  let equal = 0
  let distanceAt = 0
  let untilTurned = randomised ? RANDOM_DISTANCES[0]! : -1
  let out = output.reserve(MAX_RUN_BYTES)
  for (let i = 0; i < length; i++) {
    const rotation = rotations[next]!
    let byte = rotation & 0xff
    next = rotation >>> 8
    if (randomised && --untilTurned <= 1) {
      if (untilTurned === 1) byte ^= 1
      else {
        distanceAt = (distanceAt + 1) % RANDOM_DISTANCES.length
        untilTurned = RANDOM_DISTANCES[distanceAt]!
      }
    }
    let count = 1
    if (equal === RUN_BYTES) {
      count = byte
      byte = last
      equal = 0
      last = -1
    } else if (byte === last) equal++
    else {
      last = byte
      equal = 1
    }
    if (output.length + count > limit) throw new FormatError(`it holds more than the stated ${limit} bytes`)
    if (output.length + count > out.length) out = output.reserve(MAX_RUN_BYTES)
    for (; count > 0; count--) {
      out[output.length++] = byte
      crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte]!
    }
  }
  return ~crc >>> 0
}

/** CRC-32 with its highest bit first, unlike that of gzip. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc
})

export class Bits {
  private at = 0
  private held = 0
  private heldBits = 0

  constructor(private bytes: Uint8Array) {}

  /** Bytes that were not looked at yet. */
  get bytesLeft(): number {
    return this.bytes.length - this.at
  }

  append(bytes: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes.subarray(this.at), bytes])
    this.at = 0
  }

  /** @param count at most 24 */
  take(count: number): number {
    while (this.heldBits < count) {
      if (this.at === this.bytes.length) throw new FormatError('it ends too early')
      this.held = (this.held << 8) | this.bytes[this.at++]!
      this.heldBits += 8
    }
    this.heldBits -= count
    return (this.held >>> this.heldBits) & ((1 << count) - 1)
  }

  take32(): number {
    return this.take(16) * 0x10000 + this.take(16)
  }

  alignToByte(): void {
    this.heldBits -= this.heldBits % 8
  }

  get atEnd(): boolean {
    return this.at === this.bytes.length && this.heldBits === 0
  }
}
