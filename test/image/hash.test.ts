import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import phashJob from '../../jobs/phash.js'
import { LimitError, PictureError, UsageError } from '../../src/errors.js'
import { type HashMethod, type ImageHash, imageHash } from '../../src/image/hash/image-hash.js'
import { Picture } from '../../src/image/picture.js'
import { bombPng, photograph, solid } from './pictures.js'

const FIXTURES = new URL('../fixtures/hashes/', import.meta.url)
type Reference = Record<string, string> & { pdq: string; quality: number }
const REFERENCE = JSON.parse(readFileSync(new URL('hashes.json', FIXTURES), 'utf8')) as Record<
  string,
  Reference
>
const PUBLISHED = JSON.parse(readFileSync(new URL('pdq/published.json', FIXTURES), 'utf8')) as Record<
  string,
  string
>

/** Most of their coefficients are 0, so that how these are rounded tells the hash. */
const DRAWN = ['flat.png', 'gradient.png', 'diagonal.png', 'mirrored.png', 'rectangle.png', 'pdq/small.jpg']

const fixture = (name: string) => new Picture(name, readFileSync(new URL(name, FIXTURES)))

function differences(a: string, b: string): number {
  return (BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(2).replaceAll('0', '').length
}

test.each(Object.keys(REFERENCE))('%s has the hashes that ImageHash gives it', async (name) => {
  const expected = Object.entries(REFERENCE[name]!).filter(
    ([hash]) => /\d$/.test(hash) && !(hash === 'perceptual 6' && DRAWN.includes(name)),
  )
  expect(expected.length).toBeGreaterThanOrEqual(11)
  const given = expected.map(async ([hash]) => {
    const [method, size] = hash.split(' ')
    const { hex } = await imageHash(fixture(name), { method: method as HashMethod, hashSize: Number(size) })
    return [hash, hex]
  })
  expect(await Promise.all(given)).toEqual(expected)
})

// pdqhash makes grey of 64-bit floats: of a drawing that alone may tell the hash.
test.each(
  Object.keys(REFERENCE).filter((name) => !DRAWN.includes(name)),
)("%s has the hash and quality that Meta's program gives it", async (name) => {
  const { pdq: hex, quality } = REFERENCE[name]!
  expect(await imageHash(fixture(name), { method: 'pdq' })).toEqual({ hex, quality })
})

test.each(Object.entries(PUBLISHED))('pdq/%s has the published hash', async (name, hash) => {
  expect((await imageHash(fixture(`pdq/${name}`), { method: 'pdq' })).hex).toBe(hash)
})

test('a picture has the same hash whatever its size or JPEG quality, give or take a few bits', async () => {
  const small = await sharp(photograph('coffee.jpg')).resize(150).jpeg({ quality: 50 }).toBuffer()
  for (const method of ['average', 'difference', 'perceptual'] as const) {
    const [a, b] = await Promise.all(
      [photograph('coffee.jpg'), small].map((bytes) => imageHash(new Picture('a', bytes), { method })),
    )
    expect(differences(a!.hex, b!.hex)).toBeLessThanOrEqual(2)
  }
})

test('different pictures have hashes that are far apart', async () => {
  const names = ['coffee.jpg', 'rocket.jpg', 'chelsea.jpg', 'moon.png']
  const hashes = await Promise.all(names.map((name) => imageHash(new Picture(name, photograph(name)))))
  for (const [index, { hex }] of hashes.entries()) {
    for (const other of hashes.slice(index + 1)) expect(differences(hex, other.hex)).toBeGreaterThan(15)
  }
})

test('a picture is hashed upright', async () => {
  const turned = await sharp(photograph('coffee.jpg')).rotate(90).png().toBuffer()
  const tagged = await sharp(turned).withMetadata({ orientation: 8 }).png().toBuffer()
  const upright = await imageHash(new Picture('a', photograph('coffee.jpg')))
  expect(await imageHash(new Picture('b', tagged))).toEqual(upright)
})

test('of a picture of 16 bits the upper 8 are hashed', async () => {
  const pixels = new Uint16Array(64 * 48).map((_, at) => (at % 64) * 1000 + Math.floor(at / 64) * 40)
  const raw = { width: 64, height: 48, channels: 1 } as const
  const deep = await sharp(pixels, { raw }).toColourspace('grey16').png().toBuffer()
  const shallow = await sharp(
    Uint8Array.from(pixels, (value) => value >> 8),
    { raw },
  )
    .png()
    .toBuffer()
  for (const method of ['average', 'perceptual'] as const) {
    const [a, b] = await Promise.all(
      [deep, shallow].map((bytes) => imageHash(new Picture('a', bytes), { method })),
    )
    expect(a).toEqual(b)
  }
})

test('a draft differs in a few bits, and only of a JPEG that is large', async () => {
  const large = new Picture('a', await sharp(photograph('coffee.jpg')).resize(1600).jpeg().toBuffer())
  for (const method of ['average', 'difference', 'perceptual', 'pdq'] as const) {
    const [exact, draft] = await Promise.all([
      imageHash(large, { method }),
      imageHash(large, { method, draft: true }),
    ])
    expect(differences(exact.hex, draft.hex)).toBeLessThanOrEqual(method === 'pdq' ? 16 : 4)
    const small = fixture('half-colour.jpg')
    expect(await imageHash(small, { method, draft: true })).toEqual(await imageHash(small, { method }))
  }
})

test('a picture without anything in it has a hash, and no quality', async () => {
  const white = new Picture('white', await solid('white').png().toBuffer())
  expect((await imageHash(white, { method: 'average' })).hex).toBe('0000000000000000')
  expect((await imageHash(white, { method: 'perceptual' })).hex).toBe('8000000000000000')
  expect((await imageHash(white, { method: 'perceptual', hashSize: 9 })).hex).toMatch(/^10{20}$/)
  expect((await imageHash(white, { method: 'pdq' })).quality).toBe(0)
  const speck = new Picture('speck', await solid('white', 3, 4).png().toBuffer())
  expect(await imageHash(speck, { method: 'pdq' })).toEqual({ hex: '0'.repeat(64), quality: 0 })
})

test.each([
  [{ method: 'best' as never }, 'method is "best", expected average, difference, perceptual, pdq'],
  [{ hashSize: 1 }, 'hashSize is 1, expected a whole number from 2 to 32'],
  [{ hashSize: 8.5 }, 'hashSize is 8.5, expected a whole number from 2 to 32'],
])('%o is refused', async (options, reason) => {
  const hashing = imageHash(fixture('tiny.png'), options)
  await expect(hashing).rejects.toThrow(new UsageError(`Cannot hash pictures: ${reason}`))
})

test('what cannot be decoded is refused with its key', async () => {
  const cut = new Picture('cut.jpg', photograph('coffee.jpg').subarray(0, 20_000))
  await expect(imageHash(cut)).rejects.toThrow(PictureError)
  await expect(imageHash(cut)).rejects.toThrow('Cannot decode "cut.jpg": ')
  await expect(imageHash(new Picture('bomb.png', bombPng()))).rejects.toThrow(LimitError)
})

/** What the job emits of a picture. */
async function emitted(params: object): Promise<[string, string][]> {
  const emits: [string, string][] = []
  const context = {
    params: phashJob.params.parse(params),
    emit: async (key: string, value: string) => void emits.push([key, value]),
  }
  await phashJob.map(fixture('half-colour.jpg'), context as never)
  return emits
}

test('the job emits the hash as text under the key, with its quality where that is asked for', async () => {
  const { pdq, quality, ...reference } = REFERENCE['half-colour.jpg'] as Reference & ImageHash
  expect(await emitted({})).toEqual([['half-colour.jpg', reference['perceptual 8']]])
  const small = { method: 'difference', hashSize: 6, quality: true }
  expect(await emitted(small)).toEqual([['half-colour.jpg', reference['difference 6']]])
  expect(await emitted({ method: 'pdq' })).toEqual([['half-colour.jpg', pdq]])
  expect(await emitted({ method: 'pdq', quality: true })).toEqual([['half-colour.jpg', `${pdq} ${quality}`]])
})
