import type { TagValue } from './directories.js'

const DATE_TIME = /^(\d{4})[:-](\d{2})[:-](\d{2})[ T](\d{2}):(\d{2}):(\d{2})/
const OFFSET = /^([+-])(\d{2}):(\d{2})$/

/**
 * A time as EXIF has it, `2026:07:01 12:34:56`, in ISO 8601. Without an offset it is the clock's on the wall, of a
 * place that nobody has written down: no time zone is made up.
 * @param fraction digits of a second
 * @param offset from UTC, `+02:00`
 * @returns null for what is no time, as the zeros and blanks of cameras whose clock was never set.
 */
export function isoTime(
  value: TagValue | undefined,
  fraction: TagValue | undefined,
  offset: TagValue | undefined,
): string | null {
  const [, ...digits] = (typeof value === 'string' && DATE_TIME.exec(value)) || []
  if (digits.length === 0) return null
  const [year, month, day, hour, minute, second] = digits
  const time = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  // Date knows how many days a month has, and rolls what is too much over.
  const parsed = new Date(`${time}Z`)
  if (Number.isNaN(parsed.getTime()) || !parsed.toISOString().startsWith(time)) return null
  const part = typeof fraction === 'string' && /^\d+$/.test(fraction) ? `.${fraction}` : ''
  const zone = typeof offset === 'string' && OFFSET.test(offset) ? offset : ''
  return `${time}${part}${zone}`
}
