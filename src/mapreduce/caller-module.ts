import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * The module that called the function that called this, as a file URL; undefined where the stack does not
 * say (code from a string, a REPL).
 */
export function callerModule(): string | undefined {
  const frames = new Error().stack?.split('\n').slice(1) ?? []
  // Frame 0 is this function, 1 its caller (ours), 2 the one asked for.
  const frame = frames[2]
  const place = frame && /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^()]*?):\d+:\d+\)?$/.exec(frame)?.[1]
  if (!place) return undefined
  return place.startsWith('file://') ? pathToFileURL(fileURLToPath(place)).href : pathToFileURL(place).href
}
