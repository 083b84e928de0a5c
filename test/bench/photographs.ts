import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'

const SOURCES = [
  'astronaut.jpg',
  'chelsea.jpg',
  'coffee.jpg',
  'hubble_deep_field.jpg',
  'retina.jpg',
  'rocket.jpg',
]
const WIDTH = 1920
const HEIGHT = 1080

/** Standard deviation of the grain that brings a photograph of this size to about 275 KB. */
const GRAIN = 5

/**
 * A folder with `count` different JPEG photographs of 1920x1080 in folders of a hundred: pieces of the
 * example photographs with some grain. Made once and kept beside other temporary files.
 */
export async function photographs(count: number): Promise<string> {
  const folder = join(tmpdir(), `pixelreduce-photographs-${count}`)
  if (existsSync(folder)) return folder
  const staging = `${folder}.${process.pid}`
  await rm(staging, { recursive: true, force: true })
  for (let start = 0; start < count; start += 8) {
    await Promise.all(
      Array.from({ length: Math.min(8, count - start) }, async (_, offset) => {
        const index = start + offset
        const sub = join(staging, `set-${String(Math.floor(index / 100)).padStart(3, '0')}`)
        await mkdir(sub, { recursive: true })
        await writeFile(join(sub, `photo-${String(index).padStart(5, '0')}.jpg`), await photograph(index))
      }),
    )
  }
  await rename(staging, folder)
  return folder
}

async function photograph(index: number): Promise<Buffer> {
  const source = join('examples', 'images', SOURCES[index % SOURCES.length]!)
  const { width, height } = await sharp(source).metadata()
  const share = 0.6 + ((index * 37) % 40) / 100
  const crop = { width: Math.floor(width * share), height: Math.floor(((width * share) / WIDTH) * HEIGHT) }
  crop.height = Math.min(crop.height, height)
  const left = ((index * 53) % 101) / 101
  const grain = sharp({
    create: {
      width: WIDTH,
      height: HEIGHT,
      channels: 3,
      background: 'grey',
      noise: { type: 'gaussian', mean: 128, sigma: GRAIN },
    },
  })
  return sharp(source)
    .extract({
      left: Math.floor((width - crop.width) * left),
      top: Math.floor((height - crop.height) * left),
      ...crop,
    })
    .resize(WIDTH, HEIGHT, { fit: 'cover' })
    .composite([{ input: await grain.png({ compressionLevel: 0 }).toBuffer(), blend: 'soft-light' }])
    .jpeg({ quality: 80 })
    .toBuffer()
}

/** Every file below a folder, in order. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
