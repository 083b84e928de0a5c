import { describe, expect, test } from 'vitest'
import { extensionMatches, extensionOf, isPictureName, sniffFormat } from '../../src/image/format.js'
import { PHOTOGRAPHS, photograph, solid } from './pictures.js'

describe('sniffFormat', () => {
  test.each(PHOTOGRAPHS)('knows %s', (name) => {
    expect(sniffFormat(photograph(name))).toBe(name.endsWith('png') ? 'png' : 'jpeg')
  })

  test.each([
    'jpeg',
    'png',
    'webp',
    'gif',
    'tiff',
    'avif',
  ] as const)('knows %s as sharp writes it', async (format) => {
    expect(sniffFormat(await solid('red').toFormat(format).toBuffer())).toBe(format)
  })

  test.each([
    ['BigTIFF', 'MM\0+', 'tiff'],
    ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'heic'],
    ['AVIF whose major brand is mif1', '\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf', 'avif'],
    ['MP4', '\0\0\0\x18ftypisom\0\0\0\0isommp41', undefined],
    ['BMP', 'BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0', 'bmp'],
    ['text that begins with BM', 'BMW and other cars', undefined],
    ['SVG after its XML declaration', '<?xml version="1.0"?>\n<svg width="1"/>', 'svg'],
    ['XML that is no SVG', '<?xml version="1.0"?>\n<project/>', undefined],
    ['PDF', '%PDF-1.7', 'pdf'],
    ['RIFF that is no WebP', 'RIFF\0\0\0\0WAVEfmt ', undefined],
    ['nothing', '', undefined],
  ] as const)('tells %s', (_, start, format) => {
    expect(sniffFormat(Buffer.from(start, 'latin1'))).toBe(format)
  })
})

test('a name is a picture by its extension, in any case', () => {
  const pictures = ['a.jpg', 'b/c.JPEG', 'd.jpe', 'e.TIF', 'f.webp', 'g.heic', 'h.bmp', 'a.tar.png']
  const others = ['a.txt', 'jpg', 'a.jpg/b', 'a.jpg.txt', 'a.svg', 'a.pdf', 'a.', '']
  expect(pictures.filter((name) => !isPictureName(name))).toEqual([])
  expect(others.filter(isPictureName)).toEqual([])
})

test('an extension belongs to a format under all its spellings', () => {
  expect(['a.jpg', 'a.jpeg', 'a.JPE', 'a.jfif'].every((name) => extensionMatches(name, 'jpeg'))).toBe(true)
  expect(['a.tif', 'a.TIFF'].every((name) => extensionMatches(name, 'tiff'))).toBe(true)
  expect(extensionMatches('a.png', 'jpeg')).toBe(false)
  expect(extensionMatches('png', 'png')).toBe(false)
  expect([extensionOf('jpeg'), extensionOf('tiff'), extensionOf('webp')]).toEqual(['jpg', 'tif', 'webp'])
})
