import { tmpdir } from 'node:os'
import { ChecksumError, PictureError, StorageFullError } from '../../errors.js'
import { localError } from '../../fs/local/local-error.js'
import { LocalSource } from '../../fs/local/local-source.js'
import { baseName, joinPath } from '../../fs/path.js'
import { resolveUri } from '../../fs/resolve.js'
import { type Band, storedRows } from '../../image/band/band.js'
import { decodeRows } from '../../image/band/decode-rows.js'
import { appendTo, withScratchFile } from '../../image/band/scratch-file.js'
import { cutTiff, openTiffRows } from '../../image/band/tiff-rows.js'
import type { ImageLimits } from '../../image/limits.js'
import type { ByteSource } from '../../io/byte-source.js'
import { checksumToHex } from '../../io/map-file/checksum-file.js'
import { Xxh3Stream } from '../../io/map-file/xxh3.js'
import type { PictureBandsSplit, ReadContext } from './input-format.js'
import { partOf } from './picture-band-records.js'
import { changedSincePlanned } from './planned-length.js'
import { shareMapFile } from './shared-map-file.js'

/** Where the bands of a split are read from. */
export interface BandSource extends AsyncDisposable {
  /** The rows of a band as an encoded picture. */
  read(band: Band): Promise<Uint8Array>
}

/** The encoded picture of a split. */
interface EncodedPicture extends AsyncDisposable {
  readonly file: ByteSource
  /** Where it is among the files of this machine, where it is one by itself. */
  readonly path?: string
  /** Of its bytes, where it was recorded. */
  readonly checksum: bigint | undefined
}

/**
 * Opens the picture of a split. Where any rows can be read, a band is cut out of the file; where only all from the top
 * on, the split's rows are decoded once to a temporary file, and cut out of that.
 * @throws PictureError when the split's rows can't be decoded; FormatError when the bytes are not those of the plan.
 */
export async function openBandSource(
  split: PictureBandsSplit,
  bands: readonly Band[],
  context: ReadContext,
  limits: ImageLimits,
): Promise<BandSource> {
  const picture = await openEncoded(split, context)
  try {
    return await (split.access === 'rows'
      ? sourceByRows(split, picture, context)
      : sourceFromTheTop(split, bands, picture, context, limits))
  } catch (error) {
    await picture[Symbol.asyncDispose]()
    throw error
  }
}

async function openEncoded(split: PictureBandsSplit, context: ReadContext): Promise<EncodedPicture> {
  const location = resolveUri(split.path)
  if (split.of === 'map-file') {
    const shared = await shareMapFile(location, context.jobId)
    const { reader, sources } = shared.file
    return {
      file: sources.data,
      checksum: await reader.checksumAt(split.start),
      [Symbol.asyncDispose]: () => shared[Symbol.asyncDispose](),
    }
  }
  const { fs } = location
  const path = joinPath(location.path, split.key)
  const file = await fs.open(path)
  if (file.length !== split.value.length) {
    await file.close()
    throw changedSincePlanned(path, split.value.length, file.length)
  }
  // A name without an extension may have a sidecar of checksums, which libvips knows nothing of.
  const isPlain = !fs.isRemote && baseName(path).includes('.')
  return {
    file,
    ...(isPlain ? { path } : {}),
    checksum: undefined,
    [Symbol.asyncDispose]: () => file.close(),
  }
}

async function sourceByRows(
  split: PictureBandsSplit,
  picture: EncodedPicture,
  context: ReadContext,
): Promise<BandSource> {
  const { key, value, layout, orientation } = split
  // Once for the picture: other splits read other parts of it.
  if (split.first === 0 && picture.checksum !== undefined) {
    for await (const _ of checkedBytes(split, picture, context));
  }
  const tiff = await openTiffRows(partOf(picture.file, value))
  if (!tiff) throw new PictureError(`Cannot decode "${key}": its header is damaged or cut off`)
  return {
    read: (band) => cutTiff(key, tiff, storedRows(layout, band), orientation),
    [Symbol.asyncDispose]: () => picture[Symbol.asyncDispose](),
  }
}

async function sourceFromTheTop(
  split: PictureBandsSplit,
  bands: readonly Band[],
  picture: EncodedPicture,
  context: ReadContext,
  limits: ImageLimits,
): Promise<BandSource> {
  const { key, layout, orientation } = split
  const rows = bands.map((band) => storedRows(layout, band))
  const start = Math.min(...rows.map((each) => each.start))
  const end = Math.max(...rows.map((each) => each.end))
  const decoded = await withScratchFile(async ({ path: target }) => {
    const decode = (path: string) => decodeRows(key, path, { start, end }, target, limits)
    await (picture.path === undefined
      ? withScratchFile(async ({ handle, path }) => {
          for await (const piece of checkedBytes(split, picture, context)) await appendTo(handle, piece)
          await decode(path)
        })
      : decode(picture.path))
    // It has no name, but is there for as long as it is open.
    return LocalSource.open(target)
  }).catch(translated)
  await picture[Symbol.asyncDispose]()
  const tiff = (await openTiffRows(partOf(decoded, { start: 0, length: decoded.length })))!
  return {
    read: (band) => {
      const own = storedRows(layout, band)
      return cutTiff(key, tiff, { start: own.start - start, end: own.end - start }, orientation)
    },
    [Symbol.asyncDispose]: () => decoded.close(),
  }
}

/** What a temporary file can't take, in our own words; libvips tells of a full disk as of any picture. */
function translated(error: unknown): never {
  const isForeign = error instanceof Error && 'syscall' in error
  if (isForeign) return localError('write to', tmpdir())(error as NodeJS.ErrnoException)
  if (error instanceof Error && /no space left|disk quota/i.test(error.message)) {
    throw new StorageFullError(`Cannot write to ${tmpdir()}: no space is left on the device`, {
      cause: error,
    })
  }
  throw error
}

/** The encoded picture. @throws ChecksumError, at its end, when its bytes are not those that were written. */
async function* checkedBytes(
  { key, path, start, value }: PictureBandsSplit,
  { file, checksum }: EncodedPicture,
  { signal }: ReadContext,
): AsyncGenerator<Uint8Array> {
  const hash = checksum !== undefined ? await Xxh3Stream.create() : undefined
  for await (const piece of file.stream(value.start, value.start + value.length, { signal })) {
    hash?.update(piece)
    yield piece
  }
  const found = hash?.digest()
  if (found === checksum) return
  throw new ChecksumError(
    `Cannot read record "${key}" of ${path}: value checksum is ${checksumToHex(found!)}, expected ${checksumToHex(checksum!)}; run "pixelreduce verify"`,
    { details: { file: path, offset: start, key } },
  )
}
