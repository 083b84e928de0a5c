import { openIfThere } from './exists.js'
import type { CreateOptions, FileSystem } from './file-system.js'

/** A small new file with the text. */
export async function writeText(
  fs: FileSystem,
  path: string,
  text: string,
  options: CreateOptions = {},
): Promise<void> {
  await using sink = await fs.create(path, options)
  await sink.write(Buffer.from(text))
  await sink.close()
}

/** A small JSON file; undefined when there is none. */
export async function readJson<T>(fs: FileSystem, path: string): Promise<T | undefined> {
  const text = await readText(fs, path)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

/** A small text file; undefined when there is none. */
export async function readText(fs: FileSystem, path: string): Promise<string | undefined> {
  const source = await openIfThere({ fs, path })
  if (!source) return undefined
  try {
    return Buffer.from(await source.read(0, source.length)).toString('utf8')
  } finally {
    await source.close()
  }
}
