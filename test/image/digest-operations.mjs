// Prints a digest of what each operation makes of some pictures, all at once and each of them twice.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { convert, crop, exif, Picture, resize, rotate, stats, thumbnails } from '../../dist/index.js'

const OPERATIONS = {
  thumbnails: (picture) => thumbnails(picture, [16, 32, 64]),
  resize: (picture) => resize(picture, { width: 70 }),
  attention: (picture) => crop(picture, { width: 50, height: 40, position: 'attention' }),
  rotate: (picture) => rotate(picture, { angle: 10, format: 'webp' }),
  avif: (picture) => convert(picture, { format: 'avif' }),
  tiff: (picture) => convert(picture, { format: 'tiff' }),
  exif: (picture) => exif(picture, { tags: ['all'] }),
  stats,
}
const NAMES = ['adobe-rgb.jpg', 'arithmetic.jpg', 'grey-16.png']

async function digest(made) {
  const hash = createHash('md5')
  const pictures = made instanceof Uint8Array ? [{ bytes: made }] : made
  if (!Array.isArray(pictures)) return hash.update(JSON.stringify(made)).digest('hex')
  for (const { bytes } of pictures) hash.update(bytes)
  return hash.digest('hex')
}

const lines = await Promise.all(
  Object.entries(OPERATIONS).flatMap(([operation, run]) =>
    NAMES.map(async (name) => {
      const bytes = readFileSync(new URL(`../fixtures/colour/${name}`, import.meta.url))
      const twice = [run(new Picture(name, bytes)), run(new Picture(name, bytes))]
      const [first, second] = await Promise.all(twice.map(async (made) => digest(await made)))
      if (first !== second) throw new Error(`${operation} of ${name} is not twice the same`)
      return `${operation} ${name} ${first}`
    }),
  ),
)
console.log(lines.join('\n'))
