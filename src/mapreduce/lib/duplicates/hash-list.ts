/** Hashes of one length in packed memory, as 32-bit numbers: the first bytes are the highest. */
export class HashList {
  words = new Int32Array(0)
  /** Hashes held. */
  length = 0
  /** Numbers of each hash. */
  readonly width: number

  /** @param hashBytes of each */
  constructor(private readonly hashBytes: number) {
    this.width = Math.ceil(hashBytes / 4)
  }

  /** Appends a hash unless it is the same as the last one. */
  add(hash: Uint8Array): void {
    if (this.length > 0 && this.isAt(this.length - 1, hash)) return
    const at = this.length * this.width
    if (at + this.width > this.words.length) this.grow()
    for (let word = 0; word < this.width; word++) this.words[at + word] = this.wordOf(hash, word)
    this.length++
  }

  /** Whether this is the hash at a place. */
  isAt(index: number, hash: Uint8Array): boolean {
    const { words, width } = this
    for (let word = 0; word < width; word++) {
      if (words[index * width + word] !== this.wordOf(hash, word)) return false
    }
    return true
  }

  /** Where another list's hash is in this one, which is in order and has it. */
  find(other: HashList, index: number): number {
    let low = 0
    let high = this.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.isBelow(middle, other, index)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** In how many bits two hashes differ. */
  distance(a: number, b: number): number {
    const { words, width } = this
    let bits = 0
    for (let word = 0; word < width; word++)
      bits += countBits(words[a * width + word]! ^ words[b * width + word]!)
    return bits
  }

  /** 16 bits of a hash: place 0 is its first two bytes. */
  sixteenBits(index: number, place: number): number {
    const word = this.words[index * this.width + (place >> 1)]!
    return place % 2 === 0 ? word >>> 16 : word & 0xffff
  }

  copy(): HashList {
    const copy = new HashList(this.hashBytes)
    copy.words = this.words.slice()
    copy.length = this.length
    return copy
  }

  /** Puts hashes into another order: `order` has the places from `begin` on, as they shall follow one another. */
  reorder(begin: number, order: readonly number[]): void {
    const { words, width } = this
    const old = words.slice(begin * width, (begin + order.length) * width)
    for (const [index, from] of order.entries()) {
      for (let word = 0; word < width; word++) {
        words[(begin + index) * width + word] = old[(from - begin) * width + word]!
      }
    }
  }

  private isBelow(index: number, other: HashList, otherIndex: number): boolean {
    const { words, width } = this
    for (let word = 0; word < width; word++) {
      const a = words[index * width + word]! >>> 0
      const b = other.words[otherIndex * width + word]! >>> 0
      if (a !== b) return a < b
    }
    return false
  }

  private wordOf(hash: Uint8Array, word: number): number {
    let value = 0
    for (let at = word * 4; at < word * 4 + 4; at++)
      value = (value << 8) | (at < this.hashBytes ? hash[at]! : 0)
    return value
  }

  private grow(): void {
    const grown = new Int32Array(Math.max(1024, this.words.length * 2))
    grown.set(this.words)
    this.words = grown
  }
}

/** How many of 16 bits are ones; looking it up takes less than half of the time of adding up. */
const ONES = new Uint8Array(2 ** 16)
for (let bits = 1; bits < ONES.length; bits++) ONES[bits] = ONES[bits >> 1]! + (bits & 1)

/** How many of 32 bits are ones. */
export function countBits(word: number): number {
  return ONES[word >>> 16]! + ONES[word & 0xffff]!
}
