import type { BlockLocation } from '../../fs/file-system.js'
import type { Location } from '../../fs/resolve.js'

/** Where the splits of a file lie, from one question about all of its blocks. */
export class SplitHosts {
  private next = 0

  private constructor(private readonly blocks: readonly BlockLocation[]) {}

  static async of({ fs, path }: Location, length: number): Promise<SplitHosts> {
    const blocks = length === 0 ? [] : await fs.blockLocations(path, 0, length)
    return new SplitHosts([...blocks].sort((a, b) => a.start - b.start))
  }

  /**
   * The hosts that hold most of a split, in the order of their bytes, as Hadoop's FileInputFormat names
   * them: no more than one block has. Splits are asked for in the order of their starts.
   */
  between(start: number, end: number): string[] {
    const { blocks } = this
    while (this.next < blocks.length && endOf(blocks[this.next]!) <= start) this.next++
    const held = new Map<string, number>()
    let copies = 0
    for (let i = this.next; i < blocks.length && blocks[i]!.start < end; i++) {
      const block = blocks[i]!
      const bytes = Math.min(end, endOf(block)) - Math.max(start, block.start)
      copies = Math.max(copies, block.hosts.length)
      for (const host of block.hosts) held.set(host, (held.get(host) ?? 0) + bytes)
    }
    // Stable, so that hosts with as many bytes stay in the NameNode's order.
    return [...held.keys()].sort((a, b) => held.get(b)! - held.get(a)!).slice(0, copies)
  }
}

function endOf(block: BlockLocation): number {
  return block.start + block.length
}
