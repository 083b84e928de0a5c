import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, onTestFinished, test } from 'vitest'
import tilesJob from '../../jobs/tiles.js'
import { LimitError, PictureError, UsageError } from '../../src/errors.js'
import { readHeader } from '../../src/image/header.js'
import { DEFAULT_LIMITS } from '../../src/image/limits.js'
import { Picture } from '../../src/image/picture.js'
import { storedFiles } from '../../src/image/tiles/stored-zip.js'
import { deepZoomTiles, type TileOptions } from '../../src/image/tiles.js'
import { parseParams } from '../../src/mapreduce/job.js'
import { distance, photograph, pixelsOf, QUADRANTS, quadrants, solid } from './pictures.js'

async function tilesOf(
  bytes: Uint8Array,
  options?: TileOptions,
  key = 'plan.jpg',
): Promise<Map<string, Uint8Array>> {
  const tiles = new Map<string, Uint8Array>()
  for await (const tile of deepZoomTiles(new Picture(key, bytes), options)) {
    expect(tiles.has(tile.key)).toBe(false)
    tiles.set(tile.key, tile.bytes)
  }
  return tiles
}

/** The sizes of all tiles by their keys, as Deep Zoom defines them. */
function tileSizes(width: number, height: number, tileSize: number, overlap: number): Record<string, string> {
  const sizes: Record<string, string> = {}
  const top = Math.ceil(Math.log2(Math.max(width, height)))
  for (let level = top; level >= 0; level--) {
    const side = (pixels: number) => Math.ceil(pixels / 2 ** (top - level))
    const span = (index: number, whole: number) => {
      const start = Math.max(0, index * tileSize - overlap)
      return Math.min(whole, (index + 1) * tileSize + overlap) - start
    }
    for (let x = 0; x * tileSize < side(width); x++) {
      for (let y = 0; y * tileSize < side(height); y++) {
        sizes[`plan.jpg/${level}/${x}_${y}`] = `${span(x, side(width))} x ${span(y, side(height))}`
      }
    }
  }
  return sizes
}

function sizesOf(tiles: Map<string, Uint8Array>): Record<string, string> {
  const pictures = [...tiles].filter(([key]) => !key.endsWith('.dzi'))
  return Object.fromEntries(
    pictures.map(([key, bytes]) => {
      const { width, height } = readHeader(bytes)!
      return [key, `${width} x ${height}`]
    }),
  )
}

describe('a pyramid', () => {
  test('has the levels and tiles that Deep Zoom asks for, at any size', async () => {
    const side = fc.integer({ min: 1, max: 150 })
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.integer({ min: 16, max: 70 }),
        fc.integer({ min: 0, max: 15 }),
        async (width, height, tileSize, overlap) => {
          const png = await solid('red').resize(width, height, { fit: 'fill' }).png().toBuffer()
          const tiles = await tilesOf(png, { tileSize, overlap })
          expect(sizesOf(tiles)).toEqual(tileSizes(width, height, tileSize, overlap))
        },
      ),
      { numRuns: 12 },
    )
  })

  test('of one pixel is one tile', async () => {
    const tiles = await tilesOf(await solid('red', 3, 1).png().toBuffer())
    expect([...tiles.keys()]).toEqual(['plan.jpg/0/0_0', 'plan.jpg.dzi'])
  })

  test('has the tiles that libvips saves to a folder, byte by byte', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pixelreduce-tiles-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await sharp(photograph('coffee.jpg'), { sequentialRead: true })
      .jpeg({ quality: 80 })
      .tile({ size: 100, overlap: 2, layout: 'dz' })
      .toFile(join(folder, 'plan.dz'))

    const tiles = await tilesOf(photograph('coffee.jpg'), { tileSize: 100, overlap: 2 })

    const saved = (await readdir(join(folder, 'plan_files'), { recursive: true }))
      .filter((name) => name.endsWith('.jpeg'))
      .map((name) => `plan.jpg/${name.replace('.jpeg', '')}`)
    expect([...tiles.keys()].sort()).toEqual([...saved, 'plan.jpg.dzi'].sort())
    for (const key of saved) {
      const file = join(folder, `${key.replace('plan.jpg', 'plan_files')}.jpeg`)
      expect(Buffer.compare(await readFile(file), tiles.get(key)!), key).toBe(0)
    }
  })

  test('is the picture at its highest level, and the mean of four pixels at each below', async () => {
    const options = { format: 'png', tileSize: 64, overlap: 3 } as const
    const picture = await sharp(photograph('coffee.jpg')).resize(201, 135, { fit: 'fill' }).png().toBuffer()
    const tiles = await tilesOf(picture, options)

    let expected: Pixels = await pixelsOf(picture)
    for (let level = 8; level > 0; level--) {
      const joined = await joinedLevel(tiles, level, expected.width, expected.height, options)
      let most = 0
      for (const [at, value] of expected.data.entries()) most = Math.max(most, Math.abs(value - joined[at]!))
      // libvips rounds each level as it halves the one above.
      expect(most, `level ${level}`).toBeLessThanOrEqual(level === 8 ? 0 : 1)
      expected = halved({ ...expected, data: joined })
    }
  })

  test('is upright, in sRGB, and of the first frame', async () => {
    const turned = await quadrants().withMetadata({ orientation: 6 }).png().toBuffer()
    const tiles = await tilesOf(turned, { format: 'png' })
    const { width, height, at } = await pixelsOf(tiles.get('plan.jpg/6/0_0')!)
    expect([width, height]).toEqual([QUADRANTS.height, QUADRANTS.width])
    expect(at(0, 0)).toEqual([0, 0, 255])
    expect(String(Buffer.from(tiles.get('plan.jpg.dzi')!))).toContain('<Size Width="32" Height="48"/>')
  })

  test('shows the background through transparency in JPEG, and stays transparent in PNG and WebP', async () => {
    const clear = await solid({ r: 0, g: 0, b: 0, alpha: 0 }, 4, 40).png().toBuffer()
    const jpeg = await tilesOf(clear, { background: '#ff8000' })
    const { at } = await pixelsOf(jpeg.get('plan.jpg/6/0_0')!)
    expect(distance(at(20, 20), [255, 128, 0])).toBeLessThanOrEqual(2)
    for (const format of ['png', 'webp'] as const) {
      const tile = (await tilesOf(clear, { format })).get('plan.jpg/6/0_0')!
      expect(await sharp(tile).metadata()).toMatchObject({ format, hasAlpha: true })
    }
  })

  test('of a grey picture has grey tiles', async () => {
    const tiles = await tilesOf(photograph('coins.png'))
    expect((await sharp(tiles.get('plan.jpg/9/0_0')).metadata()).channels).toBe(1)
  })

  test('has the same bytes on every run', async () => {
    const [once, again] = [await tilesOf(photograph('coins.png')), await tilesOf(photograph('coins.png'))]
    expect([...again].map(([key, bytes]) => [key, Buffer.from(bytes)])).toEqual(
      [...once].map(([key, bytes]) => [key, Buffer.from(bytes)]),
    )
  })
})

describe('the descriptor', () => {
  const text = async (options: TileOptions, key: string) => {
    const tiles = await tilesOf(photograph('coffee.jpg'), options, key)
    return Buffer.from(tiles.get(`${key}.dzi`)!).toString()
  }

  test('says where a viewer finds which tiles', async () => {
    expect(await text({}, 'scans/a plan.tif')).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Url="a%20plan.tif/" Format="jpg" Overlap="1" TileSize="254">\n' +
        '  <Size Width="600" Height="400"/>\n' +
        '</Image>\n',
    )
  })

  test('needs no place where the tiles lie where viewers look for them', async () => {
    const options = { layout: 'deepzoom', format: 'webp', tileSize: 512, overlap: 0 } as const
    expect(await text(options, 'plan.tif')).toContain(
      '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="webp" Overlap="0" TileSize="512">',
    )
    const tiles = await tilesOf(photograph('coffee.jpg'), options, 'scans/plan.tif')
    expect([...tiles.keys()].slice(0, 3)).toEqual([
      'scans/plan.tif_files/10/0_0',
      'scans/plan.tif_files/10/1_0',
      'scans/plan.tif_files/9/0_0',
    ])
  })
})

describe('what is wrong is refused', () => {
  test.each([
    [{ tileSize: 15 }, 'tileSize is 15, expected a whole number from 16 to 8192'],
    [{ tileSize: 20.5 }, 'tileSize is 20.5, expected a whole number from 16 to 8192'],
    [{ tileSize: 20, overlap: 20 }, 'overlap is 20, expected a whole number from 0 to 19'],
    [{ quality: 0 }, 'quality is 0, expected a whole number from 1 to 100'],
    [{ format: 'avif' }, 'format is "avif", expected jpeg, png, webp'],
    [{ layout: 'zoomify' }, 'layout is "zoomify", expected plain, deepzoom'],
    [{ background: 'whitish' }, 'background is "whitish", expected a CSS colour'],
  ])('%o', async (options, reason) => {
    const making = tilesOf(photograph('coffee.jpg'), options as TileOptions)
    await expect(making).rejects.toThrow(`Cannot make tiles: ${reason}`)
    await expect(making).rejects.toBeInstanceOf(UsageError)
  })

  test('a damaged picture, and one over a limit', async () => {
    await expect(tilesOf(photograph('coffee.jpg').subarray(0, 9000))).rejects.toBeInstanceOf(PictureError)
    const flipped = Buffer.from(photograph('page.png'))
    flipped[20_000]! ^= 1
    await expect(tilesOf(flipped)).rejects.toThrow(
      /^Cannot decode "plan.jpg": its pixels are damaged or cut off/,
    )
    const picture = new Picture('k', photograph('coffee.jpg'), { ...DEFAULT_LIMITS, maxPixels: 100 })
    await expect(deepZoomTiles(picture).next()).rejects.toBeInstanceOf(LimitError)
  })
})

describe('the job', () => {
  test('emits every tile and says each time that it is alive', async () => {
    const emits: [string, Uint8Array][] = []
    let progress = 0
    const context = {
      params: tilesJob.params.parse({ tileSize: 300 }),
      emit: async (key: string, value: Uint8Array) => void emits.push([key, value]),
      progress: () => progress++,
    }
    await tilesJob.map(new Picture('cups/coffee.jpg', photograph('coffee.jpg')), context as never)
    const tiles = await tilesOf(photograph('coffee.jpg'), { tileSize: 300 }, 'cups/coffee.jpg')
    expect(emits).toEqual([...tiles])
    expect(progress).toBe(emits.length)
  })

  test('refuses an overlap that is as large as the tiles, in the words of the flags', () => {
    expect(() => parseParams(tilesJob, { tileSize: 100, overlap: 100 })).toThrow(
      'Cannot run tiles: --overlap is 100: expected less than the tile size',
    )
    expect(parseParams(tilesJob, { tileSize: 100, overlap: 99 })).toMatchObject({ overlap: 99 })
  })
})

describe('storedFiles', () => {
  test('reads the directory of an archive of very many files, which the short one can not count', () => {
    const names = Array.from({ length: 100 }, (_, at) => `f/${at}`)
    const found = [...storedFiles(zip64(names))].map(({ name, bytes }) => `${name}: ${Buffer.from(bytes)}`)
    expect(found).toEqual(names.map((name) => `${name}: <${name}>`))
  })

  test('takes nothing else for an archive', () => {
    expect(() => [...storedFiles(Buffer.from('no zip at all'))]).toThrow('no end of a zip archive')
    const empty = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)])
    expect([...storedFiles(empty)]).toEqual([])
    empty.writeUInt16LE(1, 10)
    expect(() => [...storedFiles(empty)]).toThrow('no entry of a zip archive at 0')
  })
})

/** A level's tiles put together, each without what it shares with those before it. */
async function joinedLevel(
  tiles: Map<string, Uint8Array>,
  level: number,
  width: number,
  height: number,
  { tileSize, overlap }: { tileSize: number; overlap: number },
): Promise<Uint8Array> {
  const joined = new Uint8Array(width * height * 3)
  for (let x = 0; x * tileSize < width; x++) {
    for (let y = 0; y * tileSize < height; y++) {
      const tile = await pixelsOf(tiles.get(`plan.jpg/${level}/${x}_${y}`)!)
      const [left, top] = [Math.max(0, x * tileSize - overlap), Math.max(0, y * tileSize - overlap)]
      for (let row = 0; row < tile.height; row++) {
        const pixels = tile.data.subarray(row * tile.width * 3, (row + 1) * tile.width * 3)
        joined.set(pixels, ((top + row) * width + left) * 3)
      }
    }
  }
  return joined
}

interface Pixels {
  width: number
  height: number
  data: Uint8Array
}

/** Each pixel the mean of four; where a side is odd its last pixels count twice. */
function halved({ width, height, data }: Pixels): Pixels {
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) }
  const out = new Uint8Array(half.width * half.height * 3)
  const sample = (x: number, y: number, channel: number) =>
    data[(Math.min(y, height - 1) * width + Math.min(x, width - 1)) * 3 + channel]!
  for (let at = 0; at < out.length; at++) {
    const [channel, pixel] = [at % 3, Math.floor(at / 3)]
    const [x, y] = [2 * (pixel % half.width), 2 * Math.floor(pixel / half.width)]
    const sum =
      sample(x, y, channel) +
      sample(x + 1, y, channel) +
      sample(x, y + 1, channel) +
      sample(x + 1, y + 1, channel)
    out[at] = Math.round(sum / 4)
  }
  return { ...half, data: out }
}

/** An archive of many files, as zip writers make it: each `<name>` under its name. */
function zip64(names: readonly string[]): Buffer {
  const entries: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const name of names) {
    const content = Buffer.from(`<${name}>`)
    const local = Buffer.alloc(30)
    local.writeUInt16LE(name.length, 26)
    const entry = Buffer.alloc(46)
    entry.write('PK\x01\x02', 'latin1')
    entry.writeUInt32LE(content.length, 20)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(offset, 42)
    entries.push(local, Buffer.from(name), content)
    directory.push(entry, Buffer.from(name))
    offset += local.length + name.length + content.length
  }
  const directoryBytes = Buffer.concat(directory)
  const end64 = Buffer.alloc(56)
  end64.write('PK\x06\x06', 'latin1')
  end64.writeBigUInt64LE(BigInt(names.length), 32)
  end64.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(20)
  locator.write('PK\x06\x07', 'latin1')
  locator.writeBigUInt64LE(BigInt(offset + directoryBytes.length), 8)
  const end = Buffer.alloc(22, 0xff)
  end.write('PK\x05\x06', 'latin1')
  return Buffer.concat([...entries, directoryBytes, end64, locator, end])
}
