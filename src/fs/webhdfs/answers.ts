import type { BlockLocation } from '../file-system.js'
import type { HdfsFileStatus } from './file-memory.js'

/** A FileStatus as WebHDFS sends it; `pathSuffix` is the name in a listing, else empty. */
export interface WireStatus {
  pathSuffix: string
  type: 'FILE' | 'DIRECTORY' | 'SYMLINK'
  length: number
  modificationTime: number
  blockSize?: number
  replication?: number
  owner?: string
  group?: string
  permission?: string
  symlink?: string
}

export interface Listing {
  FileStatuses: { FileStatus: WireStatus[] }
}

/** A batch of a listing, and how many entries follow it. */
export interface DirectoryListing {
  DirectoryListing: { partialListing: Listing; remainingEntries: number }
}

export function statusOf(path: string, wire: WireStatus): HdfsFileStatus {
  return {
    path,
    type: wire.type === 'DIRECTORY' ? 'directory' : 'file',
    length: wire.type === 'DIRECTORY' ? 0 : wire.length,
    modifiedMs: wire.modificationTime,
    blockSize: wire.blockSize ?? 0,
    replication: wire.replication ?? 0,
    owner: wire.owner ?? '',
    group: wire.group ?? '',
    permission: wire.permission ?? '',
    ...(wire.symlink ? { linkTarget: wire.symlink } : {}),
  }
}

/** The answer to GETFILEBLOCKLOCATIONS. */
export function fileBlocks(answer: unknown): BlockLocation[] | undefined {
  const locations = answer as
    | { BlockLocations: { BlockLocation: { offset: number; length: number; hosts: string[] }[] } }
    | undefined
  return locations?.BlockLocations.BlockLocation.map(({ offset, length, hosts }) => ({
    start: offset,
    length,
    hosts: [...new Set(hosts)],
  }))
}

/** The answer to GET_BLOCK_LOCATIONS, which Hadoop keeps for itself but older versions have alone. */
export function locatedBlocks(answer: unknown): BlockLocation[] | undefined {
  interface Located {
    startOffset: number
    block: { numBytes: number }
    locations: { hostName: string }[]
  }
  const blocks = answer as { LocatedBlocks: { locatedBlocks: Located[] } } | undefined
  return blocks?.LocatedBlocks.locatedBlocks.map(({ startOffset, block, locations }) => ({
    start: startOffset,
    length: block.numBytes,
    hosts: [...new Set(locations.map((location) => location.hostName))],
  }))
}

/** The answer of operations that say `{"boolean": true}`. */
export function isTrue(answer: unknown): boolean {
  return (answer as { boolean?: boolean } | undefined)?.boolean === true
}
