import { type KeyJson, keyToJson, type PartReport } from '../task/task.js'

/** Counts the records of a part, and keeps its first key and its last. */
export class KeyTally {
  records = 0
  private first: Uint8Array | KeyJson = ''
  private last: Uint8Array | KeyJson = ''

  constructor(private readonly keyClass: string) {}

  /** @param key serialized, and kept */
  add(key: Uint8Array): void {
    if (this.records === 0) this.first = key
    this.last = key
    this.records++
  }

  /** All of another part, which follows. */
  addPart({ records, firstKey, lastKey }: PartReport): void {
    if (records === 0) return
    if (this.records === 0) this.first = firstKey
    this.last = lastKey
    this.records += records
  }

  report(): Pick<PartReport, 'records' | 'firstKey' | 'lastKey'> {
    const { records } = this
    return { records, firstKey: this.toJson(this.first), lastKey: this.toJson(this.last) }
  }

  private toJson(key: Uint8Array | KeyJson): KeyJson {
    return key instanceof Uint8Array ? keyToJson(this.keyClass, key) : key
  }
}
