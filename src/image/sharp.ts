import { createRequire } from 'node:module'
import type sharp from 'sharp'
import { MissingPackageError } from '../errors.js'

type SharpModule = typeof sharp

/**
 * Loaders of libvips that run interpreters over a picture, or that nobody needs for photographs: pictures come from
 * anywhere. The block holds for the whole process; a job that trusts its input calls `sharp.unblock` before it
 * decodes. Named one by one, because blocking them all and unblocking a few would for a moment block the JPEGs that
 * other threads are decoding.
 */
const BLOCKED_LOADERS = [
  'Svg',
  'Pdf',
  'Magick',
  'Magick7',
  'Openslide',
  'Openexr',
  'Fits',
  'Nifti',
  'Mat',
  'Analyze',
  'Matrix',
  'Csv',
  'Rad',
  'Ppm',
  'Raw',
  'Vips',
  'DcRaw',
  'Jp2k',
  'Jxl',
].map(loaderOf)

function loaderOf(format: string): string {
  return `VipsForeignLoad${format}`
}

let loaded: SharpModule | undefined

/**
 * sharp, loaded at the first call in this thread: a command that decodes nothing never opens libvips.
 * One libvips thread for each picture, since the pictures themselves run in parallel; no operation cache, since no
 * picture comes twice.
 * @throws MissingPackageError when sharp has no build for this machine.
 */
export function loadSharp(): SharpModule {
  if (loaded) return loaded
  const module = requireSharp()
  module.concurrency(1)
  module.cache(false)
  module.block({ operation: BLOCKED_LOADERS })
  loaded = module
  return module
}

/**
 * Lets libvips load SVG, in the whole process and for as long as it lives: another thread may be drawing one when
 * this one has done. What keeps SVG from a job that has not asked for it is `checkDecodable`; the block is a
 * second guard, of jobs that call sharp themselves.
 */
export function unblockSvg(): void {
  loadSharp().unblock({ operation: [loaderOf('Svg')] })
}

function requireSharp(): SharpModule {
  try {
    return createRequire(import.meta.url)('sharp') as SharpModule
  } catch (error) {
    throw new MissingPackageError(
      `Cannot decode pictures: sharp does not load on ${process.platform}-${process.arch}; run "npm install --include=optional sharp"`,
      { cause: error },
    )
  }
}
