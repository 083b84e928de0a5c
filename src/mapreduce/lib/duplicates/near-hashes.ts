import { DisjointSets } from './disjoint-sets.js'
import { bandTolerances } from './hash-bands.js'
import { HashList } from './hash-list.js'
import { linkBand } from './link-band.js'

/** The pictures of one set of hashes. */
interface Found {
  keys: string[]
  /** The place of each one's hash. */
  hashes: number[]
}

/** Hashes that come band by band, and behind them the pictures in the order of their hashes. */
export class NearHashes {
  /** All hashes, in order: the first band brings them so. */
  readonly hashes: HashList
  private readonly tolerances: number[]
  private band = 0
  /** The hashes of the band that is coming. */
  private coming: HashList
  private sets: DisjointSets | undefined
  private isLinked = false
  private readonly found = new Map<number, Found>()
  /** The place of the hash whose pictures are coming, and those pictures where it is like no other one. */
  private at = 0
  private lonely: string[] = []

  /**
   * @param hashBytes length of each hash
   * @param radius bits in which two hashes may differ
   * @param progress is called now and then
   */
  constructor(
    private readonly hashBytes: number,
    private readonly radius: number,
    private readonly progress: () => void,
  ) {
    this.tolerances = bandTolerances(hashBytes, radius)
    this.hashes = new HashList(hashBytes)
    this.coming = this.hashes
  }

  addHash(band: number, hash: Uint8Array): void {
    if (band !== this.band) {
      this.linkComing()
      this.band = band
      this.coming = new HashList(this.hashBytes)
    }
    this.coming.add(hash)
  }

  addPicture(hash: Uint8Array, key: string): void {
    if (!this.isLinked) {
      this.linkComing()
      this.isLinked = true
    }
    if (!this.hashes.isAt(this.at, hash)) {
      this.endLonely()
      this.at++
    }
    if (this.sets!.size(this.at) === 1) this.lonely.push(key)
    else this.addFound(this.sets!.find(this.at), key)
  }

  /** The sets that have more than one picture. */
  groups(): Found[] {
    this.endLonely()
    return [...this.found.values()]
  }

  /** Pictures whose hash is like no other one are a group where they are several. */
  private endLonely(): void {
    if (this.lonely.length > 1) for (const key of this.lonely) this.addFound(this.at, key)
    this.lonely = []
  }

  private addFound(set: number, key: string): void {
    const found = this.found.get(set) ?? { keys: [], hashes: [] }
    found.keys.push(key)
    found.hashes.push(this.at)
    this.found.set(set, found)
  }

  private linkComing(): void {
    const { hashes, coming, band, radius } = this
    this.sets ??= new DisjointSets(hashes.length)
    const isFirst = coming === hashes
    const values = new Uint16Array(coming.length)
    const names = new Int32Array(coming.length)
    for (let at = 0; at < coming.length; at++) {
      values[at] = coming.sixteenBits(at, band)
      names[at] = isFirst ? at : hashes.find(coming, at)
    }
    const linked = {
      hashes: isFirst ? hashes.copy() : coming,
      values,
      names,
      tolerance: this.tolerances[band]!,
    }
    linkBand(linked, radius, this.sets, this.progress)
  }
}
