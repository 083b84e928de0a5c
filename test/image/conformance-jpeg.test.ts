import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { PictureError } from '../../src/errors.js'
import { Picture } from '../../src/image/picture.js'
import { decodeRgb } from '../../src/image/rgb.js'
import { thumbnail } from '../../src/image/thumbnail.js'

const FIXTURES = new URL('../fixtures/', import.meta.url)

function fixture(name: string): Picture {
  return new Picture(name, readFileSync(new URL(name, FIXTURES)))
}

describe('a JPEG decodes to what libjpeg-turbo makes of it, bit by bit', () => {
  const truth = JSON.parse(readFileSync(new URL('jpeg/truth.json', FIXTURES), 'utf8')) as Record<
    string,
    object
  >
  test.each(Object.entries(truth))('%s', async (name, expected) => {
    const { width, height, data } = await decodeRgb(fixture(`jpeg/${name}`))
    expect({ width, height, sha256: createHash('sha256').update(data).digest('hex') }).toEqual(expected)
  })
})

test('a JPEG of 12 bits is refused with the reason', async () => {
  const picture = fixture('jpeg/testorig12.jpg')
  for (const decoding of [decodeRgb(picture), thumbnail(picture)]) {
    await expect(decoding).rejects.toBeInstanceOf(PictureError)
    await expect(decoding).rejects.toThrow(
      'Cannot decode "jpeg/testorig12.jpg": VipsJpeg: Unsupported JPEG data precision 12',
    )
  }
})

describe('a picture stored in any orientation is the same upright', () => {
  const orientations = [2, 3, 4, 5, 6, 7, 8]
  test.each(
    ['landscape', 'portrait'].flatMap((name) => orientations.map((each) => [name, each])),
  )('%s in orientation %i', async (name, orientation) => {
    const upright = await decodeRgb(fixture(`exif-orientation/${name}-1.jpg`))
    const turned = await decodeRgb(fixture(`exif-orientation/${name}-${orientation}.jpg`))
    expect([turned.width, turned.height]).toEqual([upright.width, upright.height])
    // The two were compressed on their own, so that they differ a little everywhere.
    expect(meanDifference(turned.data, upright.data)).toBeLessThan(5)
    const mirrored = Uint8Array.from(upright.data).reverse()
    expect(meanDifference(turned.data, mirrored)).toBeGreaterThan(20)
  })

  test('and so is its thumbnail', async () => {
    const small = async (orientation: number) => {
      const bytes = await thumbnail(fixture(`exif-orientation/portrait-${orientation}.jpg`), { size: 40 })
      return decodeRgb(new Picture('k', bytes))
    }
    const upright = await small(1)
    for (const orientation of orientations) {
      const turned = await small(orientation)
      expect([turned.width, turned.height]).toEqual([upright.width, upright.height])
      expect(meanDifference(turned.data, upright.data)).toBeLessThan(5)
    }
  })
})

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0) / a.length
}
