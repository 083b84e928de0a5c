import { baseName, compareUtf8 } from '../path.js'

/**
 * Brings a listing from HDFS's order into that of UTF-8 bytes. HDFS compares bytes as signed numbers: names
 * that begin with the same characters are ordered with the non-ASCII ones first. So an ASCII name is smaller,
 * in either order, than all that come after it, and can be passed on at once; only names with other
 * characters are held until a greater one has come.
 */
export async function* inUtf8Order<T extends { path: string }>(entries: AsyncIterable<T>): AsyncGenerator<T> {
  const held: T[] = []
  const byName = (a: T, b: T) => compareUtf8(baseName(a.path), baseName(b.path))
  let isSorted = true
  for await (const entry of entries) {
    if (!isAscii(baseName(entry.path))) {
      held.push(entry)
      isSorted = false
      continue
    }
    if (held.length > 0) {
      if (!isSorted) held.sort(byName)
      isSorted = true
      let smaller = 0
      while (smaller < held.length && byName(held[smaller]!, entry) < 0) smaller++
      yield* held.splice(0, smaller)
    }
    yield entry
  }
  yield* held.sort(byName)
}

function isAscii(name: string): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) > 0x7f) return false
  return true
}
