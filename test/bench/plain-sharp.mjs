// The peer of test/bench/thumbnail.ts: what someone writes without pixelreduce. Thumbnails of all files of
// a folder into another, two calls at once, the same options.
import { mkdirSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'

const [input, output, calls = '2'] = process.argv.slice(2)
sharp.concurrency(1)
sharp.cache(false)
mkdirSync(output, { recursive: true })
const files = readdirSync(input, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
let next = 0
await Promise.all(
  Array.from({ length: Number(calls) }, async () => {
    while (next < files.length) {
      const file = files[next++]
      const bytes = await sharp(await readFile(file), { sequentialRead: true })
        .autoOrient()
        .resize(256, 256, { fit: 'inside', withoutEnlargement: true })
        .jpeg({ quality: 80 })
        .toBuffer()
      await writeFile(join(output, file.slice(input.length + 1).replaceAll('/', '_')), bytes)
    }
  }),
)
