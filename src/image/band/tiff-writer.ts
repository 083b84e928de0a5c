import { TYPE } from './tiff-directory.js'

/** A tag to be written: whole numbers, or values as they stood in another file of the same byte order. */
export interface TiffTag {
  tag: number
  type: number
  count: number
  values: readonly number[] | Uint8Array
}

/** A tag of one whole number below 2^32. */
export function longTag(tag: number, value: number): TiffTag {
  return { tag, type: TYPE.long, count: 1, values: [value] }
}

export function shortTag(tag: number, ...values: number[]): TiffTag {
  return { tag, type: TYPE.short, count: values.length, values }
}

/** A tag of places in the file, or of lengths, which are long only in a BigTIFF. */
export function offsetsTag(tag: number, values: readonly number[], isBig = false): TiffTag {
  return { tag, type: isBig ? TYPE.long8 : TYPE.long, count: values.length, values }
}

export interface TiffKind {
  isLittleEndian: boolean
  /** Whether places in the file may be above 2^32. @default false */
  isBig?: boolean
}

const CLASSIC = { magic: 42, header: 8, count: 2, entry: 12, value: 4 }
const BIG = { magic: 43, header: 16, count: 8, entry: 20, value: 8 }

/**
 * The header and only directory of a TIFF, laid out as in tiff-directory.ts; pixels may follow it.
 * @param tags told where it ends, so that they may say where pixels are; as many bytes whatever they are told.
 */
export function tiffHeader(
  { isLittleEndian: little, isBig = false }: TiffKind,
  tags: (end: number) => readonly TiffTag[],
): Buffer {
  const size = isBig ? BIG : CLASSIC
  const sizes = tags(0).map(bytesOf)
  const directory = size.count + sizes.length * size.entry + size.value
  const outside = sizes.reduce((sum, each) => sum + (each > size.value ? even(each) : 0), 0)
  const end = size.header + directory + outside
  const bytes = Buffer.alloc(end)
  const view = new DataView(bytes.buffer, bytes.byteOffset, end)
  const putOffset = (at: number, value: number) =>
    isBig ? view.setBigUint64(at, BigInt(value), little) : view.setUint32(at, value, little)

  bytes.write(little ? 'II' : 'MM', 'latin1')
  view.setUint16(2, size.magic, little)
  if (isBig) view.setUint16(4, size.value, little)
  putOffset(size.header - size.value, size.header)
  const entries = [...tags(end)].sort((a, b) => a.tag - b.tag)
  if (isBig) view.setBigUint64(size.header, BigInt(entries.length), little)
  else view.setUint16(size.header, entries.length, little)
  let valuesAt = size.header + directory
  for (const [index, entry] of entries.entries()) {
    const at = size.header + size.count + index * size.entry
    view.setUint16(at, entry.tag, little)
    view.setUint16(at + 2, entry.type, little)
    putOffset(at + 4, entry.count)
    const valueAt = at + size.entry - size.value
    if (bytesOf(entry) <= size.value) putValues(entry, valueAt)
    else {
      putOffset(valueAt, valuesAt)
      putValues(entry, valuesAt)
      valuesAt += even(bytesOf(entry))
    }
  }
  return bytes

  function putValues({ type, values }: TiffTag, at: number): void {
    if (values instanceof Uint8Array) return void bytes.set(values, at)
    for (const [index, value] of values.entries()) {
      if (type === TYPE.short) view.setUint16(at + 2 * index, value, little)
      else if (type === TYPE.long) view.setUint32(at + 4 * index, value, little)
      else view.setBigUint64(at + 8 * index, BigInt(value), little)
    }
  }
}

function bytesOf({ type, values }: TiffTag): number {
  if (values instanceof Uint8Array) return values.length
  return values.length * (type === TYPE.short ? 2 : type === TYPE.long ? 4 : 8)
}

/** Values begin on a word. */
function even(bytes: number): number {
  return bytes + (bytes % 2)
}
