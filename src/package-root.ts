import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

let root: string | undefined

/** The folder of this package, whether the code runs from its sources or from `dist`. */
export function packageRoot(): string {
  if (root) return root
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  root = folder
  return root
}

/** A built file, `dist/<parts>`: threads and bundles load these also when tests run the sources. */
export function builtFile(...parts: string[]): string {
  return join(packageRoot(), 'dist', ...parts)
}

export function packageVersion(): string {
  return manifestOf(packageRoot()).version
}

/** The version of a package that this one finds; undefined where it is not installed. */
export function installedVersion(name: string): string | undefined {
  // Read, not loaded: libvips has no business on a thread that only drives.
  const { resolve } = createRequire(join(packageRoot(), 'package.json'))
  try {
    return packageOf(resolve(name))?.version
  } catch {
    return undefined
  }
}

/** The package that a file belongs to. */
export function packageOf(file: string): { name: string; version: string; folder: string } | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    // Folders within a package may have a package.json of their own that only says which modules they hold.
    const { name, version } = existsSync(join(folder, 'package.json'))
      ? manifestOf(folder)
      : ({} as Partial<Manifest>)
    if (name !== undefined && version !== undefined) return { name, version, folder }
    if (folder === dirname(folder)) return undefined
  }
}

interface Manifest {
  name: string
  version: string
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
