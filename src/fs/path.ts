/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The path without its last part; `/` for what lies at the top. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

export function joinPath(folder: string, ...names: string[]): string {
  return [folder === '/' ? '' : folder, ...names].join('/')
}

/** Whether `path` is `folder` or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)
}

/** Names beginning with `_` or `.` are not data, as everywhere in Hadoop. */
export function isHidden(name: string): boolean {
  return name.startsWith('_') || name.startsWith('.')
}

/** Ascending by the bytes of their UTF-8, which is how Text keys and listings are ordered. */
export function compareUtf8(a: string, b: string): number {
  // UTF-16 order differs from UTF-8 order only where surrogates meet U+E000 to U+FFFF.
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800
  return unit >= 0xd800 ? unit + 0x2000 : unit
}
