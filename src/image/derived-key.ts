import { extensionOf, type PictureFormat } from './format.js'

/**
 * The key of one of several pictures that are made of one: `cam/1.jpg` and `256` make `cam/1.256.jpg`. Such keys
 * ascend with the keys that they are made of, all but where one name continues another's: `1.jpg`, `1.b.jpg`.
 */
export function keyWithPart(key: string, part: string | number): string {
  const { name, extension } = parts(key)
  return `${name}.${part}${extension}`
}

/** The key with the usual extension of a format instead of its own: `cam/1.jpeg` and tiff make `cam/1.tif`. */
export function keyWithFormat(key: string, format: PictureFormat): string {
  return `${parts(key).name}.${extensionOf(format)}`
}

/** A dot at the beginning of a file's name begins no extension. */
function parts(key: string): { name: string; extension: string } {
  const dot = key.lastIndexOf('.')
  const isExtension = dot > key.lastIndexOf('/') + 1
  return isExtension ? { name: key.slice(0, dot), extension: key.slice(dot) } : { name: key, extension: '' }
}
