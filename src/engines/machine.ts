import { totalmem } from 'node:os'
import { installedVersion, packageVersion } from '../package-root.js'

/** What a container allows where it allows less than the machine has; without a limit it says 2^64. */
export function machineMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || totalmem())
}

/** The versions on which the bytes of an output depend. */
export function installedVersions(): { pixelreduce: string; node: string; sharp: string } {
  return {
    pixelreduce: packageVersion(),
    node: process.versions.node,
    sharp: installedVersion('sharp') ?? 'missing',
  }
}
