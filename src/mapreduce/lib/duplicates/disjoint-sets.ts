/** Sets of numbers that can be joined: R. Tarjan, Efficiency of a Good But Not Linear Set Union Algorithm (1975). */
export class DisjointSets {
  private readonly parents: Int32Array
  /** Sets have as many members as this at their root. */
  private readonly sizes: Int32Array

  /** @param count of numbers, from 0; each is a set of its own at first */
  constructor(count: number) {
    this.parents = Int32Array.from({ length: count }, (_, number) => number)
    this.sizes = new Int32Array(count).fill(1)
  }

  /** The number that stands for the set of this one, until the set is joined with another. */
  find(number: number): number {
    const { parents } = this
    let at = number
    while (parents[at] !== at) {
      // Each is hung on its grandparent on the way, so that ways stay short.
      parents[at] = parents[parents[at]!]!
      at = parents[at]!
    }
    return at
  }

  join(one: number, other: number): void {
    const [a, b] = [this.find(one), this.find(other)]
    if (a === b) return
    const [large, small] = this.sizes[a]! >= this.sizes[b]! ? [a, b] : [b, a]
    this.parents[small] = large
    this.sizes[large]! += this.sizes[small]!
  }

  /** How many are in the set of this number. */
  size(number: number): number {
    return this.sizes[this.find(number)]!
  }
}
