import { loadSharp } from './sharp.js'

/** Whether sharp, which knows CSS's colours, knows this one. */
export function isColour(text: string): boolean {
  try {
    loadSharp()({ create: { width: 1, height: 1, channels: 4, background: text } })
    return true
  } catch {
    return false
  }
}
