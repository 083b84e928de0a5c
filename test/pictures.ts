import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'

export const EXAMPLES = fileURLToPath(new URL('../examples/images', import.meta.url))

/** The example photographs' names, in the order of their bytes. */
export async function exampleNames(): Promise<string[]> {
  return (await readdir(EXAMPLES)).filter((name) => /\.(jpg|png)$/.test(name)).sort()
}

/** Copies some of the example photographs to a new folder, under the names given. */
export async function photoFolder(folder: string, files: Record<string, string>): Promise<string> {
  for (const [name, example] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await copyFile(join(EXAMPLES, example), join(folder, name))
  }
  return folder
}

/** Many small different pictures, quick to make and to read: keys `set-<h>/p<nnnn>.jpg`. */
export async function manyPictures(folder: string, count: number): Promise<string> {
  for (let index = 0; index < count; index++) {
    const path = join(folder, `set-${Math.floor(index / 100)}`, `p${String(index).padStart(4, '0')}.jpg`)
    if (index % 100 === 0) await mkdir(dirname(path), { recursive: true })
    await writeFile(path, await smallPicture(index))
  }
  return folder
}

export async function smallPicture(seed: number, size = 64): Promise<Buffer> {
  const pixels = Buffer.alloc(size * size * 3)
  for (let at = 0; at < pixels.length; at++) pixels[at] = (at * (seed + 3) * 7 + (at >> 5) * seed) & 0xff
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .jpeg({ quality: 70 })
    .toBuffer()
}

/** A PNG whose header claims 50,000 x 50,000 pixels and whose data are a few bytes. */
export function headerBomb(): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(data.length)
    return Buffer.concat([length, body, crc(body)])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(50_000, 0)
  header.writeUInt32BE(50_000, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', Buffer.from([0x78, 0x9c, 3, 0, 0, 0, 0, 1])),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function crc(bytes: Buffer): Buffer {
  let sum = ~0
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  const out = Buffer.alloc(4)
  out.writeUInt32BE(~sum >>> 0)
  return out
}

/** A folder's files with their contents, hidden ones too: what is left after a command. */
export async function treeOf(folder: string): Promise<Record<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(
    await Promise.all(
      files.sort().map(async (file) => [file.slice(folder.length + 1), await readFile(file)] as const),
    ),
  )
}
