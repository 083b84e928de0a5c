import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { type Location, resolveUri } from '../../fs/resolve.js'

/**
 * Where the histories of jobs lie: as it was asked for, else PIXELREDUCE_HISTORY_DIR, else a folder for the
 * state of programs in the user's home.
 * @throws UsageError or UnsupportedError for a URI that names no place.
 */
export function historyFolder(uri?: string): Location {
  const { PIXELREDUCE_HISTORY_DIR, XDG_STATE_HOME = '' } = process.env
  const asked = uri ?? PIXELREDUCE_HISTORY_DIR
  if (asked) return resolveUri(asked)
  const state = isAbsolute(XDG_STATE_HOME) ? XDG_STATE_HOME : join(homedir(), '.local', 'state')
  return resolveUri(join(state, 'pixelreduce', 'history'))
}
