import { expect, test } from 'vitest'
import { LocalFileSystem } from '../../src/fs/local/local-file-system.js'
import { SplitHosts } from '../../src/mapreduce/input/split-hosts.js'

const blocks = [
  { start: 100, length: 100, hosts: ['b', 'c'] },
  { start: 0, length: 100, hosts: ['a', 'b'] },
  { start: 200, length: 50, hosts: ['c', 'd'] },
]

async function hostsOf(...splits: [number, number][]) {
  class Blocks extends LocalFileSystem {
    override blockLocations = async () => blocks
  }
  const hosts = await SplitHosts.of({ fs: new Blocks(), path: '/data' }, 250)
  return splits.map(([start, end]) => hosts.between(start, end))
}

test('a split within a block lies where the block does, in the order of the server', async () => {
  expect(await hostsOf([0, 50], [50, 100], [100, 200], [210, 250])).toEqual([
    ['a', 'b'],
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'd'],
  ])
})

test('of a split over several blocks the hosts with most of its bytes come first', async () => {
  expect(await hostsOf([0, 110], [90, 250])).toEqual([
    ['b', 'a'],
    ['c', 'b'],
  ])
})
