import { createRequire } from 'node:module'
import type { DirectoryName } from './directories.js'

interface TagKeys {
  readonly tagKeys: ReadonlyMap<string, ReadonlyMap<number, string>>
}

let loaded: TagKeys | undefined

/**
 * What a tag is called, as exifr knows it: `DateTimeOriginal`. Of exifr only the names are taken: it gives up all
 * tags where one is damaged, reads no WebP, and takes seconds for a count that a few wrong bytes make.
 * @returns `0xa460` where it has no name.
 */
export function tagName(directory: DirectoryName, tag: number): string {
  loaded ??= createRequire(import.meta.url)('exifr') as TagKeys
  const { tagKeys } = loaded
  // Some writers put what belongs into the second directory into the first, and the other way round.
  const other = directory === 'ifd0' ? 'exif' : 'ifd0'
  const name =
    tagKeys.get(directory)?.get(tag) ?? (directory === 'gps' ? undefined : tagKeys.get(other)?.get(tag))
  return name ?? `0x${tag.toString(16).padStart(4, '0')}`
}
