import { existsSync } from 'node:fs'
import { link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
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

/** The photographs are cut from larger versions of the sources, each at a place of its own. */
const ROOM = 400

/** Standard deviation of the grain that brings a photograph of this size to about 275 KB. */
const GRAIN = 16

/** Different ones; a larger folder holds each several times. */
const DIFFERENT = 240

/**
 * A folder with `count` JPEG photographs of 1920x1080 in folders of a hundred: pieces of the
 * example photographs with some grain. Made once and kept beside other temporary files.
 */
export async function photographs(count: number): Promise<string> {
  const folder = join(tmpdir(), `pixelreduce-photographs-${count}`)
  if (existsSync(folder)) return folder
  const staging = `${folder}.${process.pid}`
  await rm(staging, { recursive: true, force: true })
  const sources = await Promise.all(SOURCES.map((name) => enlarged(join('examples', 'images', name))))
  const grain = await noise()
  const made: string[] = []
  for (let index = 0; index < count; index++) {
    const sub = join(staging, `set-${String(Math.floor(index / 100)).padStart(3, '0')}`)
    await mkdir(sub, { recursive: true })
    const file = join(sub, `photo-${String(index).padStart(5, '0')}.jpg`)
    if (index >= DIFFERENT) await link(made[index % DIFFERENT]!, file)
    else await writeFile(file, await photograph(index, sources[index % sources.length]!, grain))
    made.push(file)
  }
  await rename(staging, folder)
  return folder
}

const raw = { width: WIDTH + ROOM, height: HEIGHT + ROOM, channels: 3 } as const

async function enlarged(source: string): Promise<Buffer> {
  return sharp(source).resize(raw.width, raw.height, { fit: 'cover' }).removeAlpha().raw().toBuffer()
}

async function noise(): Promise<Buffer> {
  const create = { ...raw, background: 'grey', noise: { type: 'gaussian', mean: 128, sigma: GRAIN } } as const
  return sharp({ create }).raw().toBuffer()
}

async function photograph(index: number, source: Buffer, grain: Buffer): Promise<Buffer> {
  const place = (step: number) => (index * step) % ROOM
  const at = { left: place(53), top: place(37), width: WIDTH, height: HEIGHT }
  const grainAt = { left: place(91), top: place(67), width: WIDTH, height: HEIGHT }
  const grained = await sharp(grain, { raw }).extract(grainAt).raw().toBuffer()
  const input = {
    input: grained,
    raw: { width: WIDTH, height: HEIGHT, channels: 3 },
    blend: 'soft-light',
  } as const
  const cut = await sharp(source, { raw }).extract(at).raw().toBuffer()
  return sharp(cut, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .composite([input])
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
