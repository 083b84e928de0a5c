import { tmpdir } from 'node:os'
import type { ErrorDetails } from '../../errors.js'
import { isWithin } from '../../fs/path.js'

/** What a node may have for itself: its network, its mounts, its users, what is installed on it. */
const NODE_CODES = new Set([
  'CONNECTION',
  'TIMEOUT',
  'AUTHENTICATION',
  'PERMISSION',
  'FILE_SYSTEM',
  'NOT_FOUND',
  'MISSING_PACKAGE',
])

/**
 * Whether an error that was met on this node may be this node's own trouble, so that another node may do better:
 * also where the same error anywhere would be final for the job.
 */
export function mayBeNodes(error: unknown): boolean {
  const { code, details } = error as { code?: unknown; details?: ErrorDetails }
  // The limits of attempts and records are the same everywhere.
  if (details?.lost !== undefined || details?.limit !== undefined) return false
  // A full disk that all share is full for all.
  if (code === 'STORAGE_FULL') return typeof details?.path === 'string' && isWithin(details.path, tmpdir())
  return NODE_CODES.has(String(code))
}
