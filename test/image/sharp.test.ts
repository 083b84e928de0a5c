import { expect, test } from 'vitest'
import { Picture } from '../../src/image/picture.js'
import { loadSharp } from '../../src/image/sharp.js'
import { thumbnail } from '../../src/image/thumbnail.js'
import '../../src/image/binarize.js'

// This file must not import sharp itself, nor ./pictures.js, which does.

function libvipsIsOpen(): boolean {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] }
  return sharedObjects.some((path) => /libvips/.test(path))
}

test('libvips is opened by the first picture that is decoded, not by an import', async () => {
  expect(libvipsIsOpen()).toBe(false)
  const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
  await thumbnail(new Picture('k.gif', gif))
  expect(libvipsIsOpen()).toBe(true)
})

test('sharp is set up for many pictures at once', () => {
  const sharp = loadSharp()
  expect(loadSharp()).toBe(sharp)
  expect(sharp.concurrency()).toBe(1)
  expect(sharp.cache()).toMatchObject({ memory: { max: 0 }, files: { max: 0 }, items: { max: 0 } })
})

test('the loader of SVG stays blocked for a job that uses sharp itself', async () => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
  await expect(loadSharp()(svg).png().toBuffer()).rejects.toThrow('unsupported image format')
})
