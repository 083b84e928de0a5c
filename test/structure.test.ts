import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Lowest first; a room imports only rooms below it. */
const FLOORS = ['errors', 'package-root', 'image', 'io', 'fs', 'mapreduce', 'engines', 'index', 'cli']

/** What may be imported besides what lies below: `image` stands beside, on errors alone. */
const MAY_IMPORT: Record<string, string[]> = { image: ['errors'], io: ['errors'], fs: ['errors', 'io'] }

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
}

function imports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1]!)
}

/** `src/mapreduce/driver/plan.ts` is in the room `mapreduce`. */
function roomOf(path: string): string {
  return path.split('/')[1]!.replace(/\.[jt]s$/, '')
}

it('lets imports point downward only', () => {
  const upward: string[] = []
  for (const file of sources('src')) {
    const room = roomOf(file)
    for (const name of imports(file).filter((each) => each.startsWith('.'))) {
      const target = roomOf(normalize(join(dirname(file), name)))
      if (target === room) continue
      const allowed = MAY_IMPORT[room] ?? FLOORS.slice(0, FLOORS.indexOf(room))
      if (!allowed.includes(target)) upward.push(`${file} -> ${name}`)
    }
  }
  expect(upward).toEqual([])
})

it('knows every room', () => {
  const rooms = new Set(sources('src').map(roomOf))
  expect([...rooms].filter((room) => !FLOORS.includes(room))).toEqual([])
})

it('lets jobs and examples import nothing but the package', () => {
  const foreign = [...sources('jobs'), ...sources('examples')].flatMap((file) =>
    imports(file)
      .filter((name) => name !== 'pixelreduce' && !name.startsWith('node:'))
      .map((name) => `${file} -> ${name}`),
  )
  expect(foreign).toEqual([])
})

it('has no circles', () => {
  const graph = new Map<string, string[]>()
  for (const file of sources('src')) {
    const text = readFileSync(join(root, file), 'utf8').replace(/import type [^;]*?from '[^']+'/g, '')
    const targets = [...text.matchAll(/from\s*'(\.[^']+)'/g)].map((match) =>
      normalize(join(dirname(file), match[1]!.replace(/\.js$/, '.ts'))),
    )
    graph.set(file, targets)
  }
  const done = new Set<string>()
  const walk = (file: string, path: string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) throw new Error(`a circle: ${[...path.slice(at), file].join(' -> ')}`)
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) walk(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) walk(file, [])
  expect(done.size).toBeGreaterThan(20)
})
