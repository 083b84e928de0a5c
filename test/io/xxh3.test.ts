import { randomBytes } from 'node:crypto'
import { xxh3 as native } from '@node-rs/xxhash'
import { expect, it } from 'vitest'
import { loadXxh3, Xxh3Stream, xxh3 } from '../../src/io/map-file/xxh3.js'

it('gives the same hash whichever way a value goes', async () => {
  await loadXxh3()
  for (const length of [0, 1, 200, 8191, 8192, 8193, 60_000, 1_000_003]) {
    const bytes = randomBytes(length)
    expect(xxh3(bytes)).toBe(native.xxh64(bytes))
  }
  // The reference implementation's hash of no bytes.
  expect(xxh3(new Uint8Array(0))).toBe(0x2d06800538d394c2n)
})

it('gives the same hash of a value that comes in pieces', async () => {
  const bytes = randomBytes(100_000)
  const [stream, other] = await Promise.all([Xxh3Stream.create(), Xxh3Stream.create()])
  for (let at = 0; at < bytes.length; at += 777) {
    stream.update(bytes.subarray(at, at + 777))
    other.update(randomBytes(5))
  }
  expect(stream.digest()).toBe(native.xxh64(bytes))
})
