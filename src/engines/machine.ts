import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { packageRoot, packageVersion } from '../package-root.js'

/** What a container allows where it allows less than the machine has; without a limit it says 2^64. */
export function machineMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || totalmem())
}

/** The versions on which the bytes of an output depend. */
export function installedVersions(): { pixelreduce: string; node: string; sharp: string } {
  // Read, not loaded: libvips has no business on the thread that only drives.
  const sharp = createRequire(join(packageRoot(), 'package.json')).resolve('sharp')
  const folder = sharp.slice(0, sharp.lastIndexOf('sharp') + 'sharp'.length)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  return { pixelreduce: packageVersion(), node: process.versions.node, sharp: version }
}
