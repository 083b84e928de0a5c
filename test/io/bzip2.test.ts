import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { loadCodec } from '../../src/io/codecs/index.js'

/** By Hadoop 3.4.2's Java encoder, of bytes that repeat themselves so much that it randomised the block. */
const RANDOMISED = Buffer.from(
  'QlpoOTFBWSZTWUDtF7mAElWBgB9wfwBAAbnKChTAABTAAAmpUg0ABSUqDDUenco50i2q2ShzoitgK2knGtLCQ2XGVKtgPUyslUusmxBbBGVlUbJA2ghtso2kHuoXWSWxUltBGjBNpQ2igewq61VQ5pQ6wtpU2SU+pYkHMoDZSOYI5or/VU71RsBd4VJtKo4zDVUOabVUnMkOYSOYTa5kQ2mrugvzBUv2UhwmSI4ym1CnSR11C2ibKStqA2FVaMiM0FbSSNkJcRqvgu5IpwoSCB2i9yA=',
  'base64',
)
/** 20,000 bytes: "picture" over and over, and in the second half each 97th byte one higher. */
const ORIGINAL = Buffer.from(
  Array.from(
    { length: 20_000 },
    (_, i) => 'picture'.charCodeAt(i % 7) + (i > 10_000 && i % 97 === 0 ? 1 : 0),
  ),
)

test('a randomised bzip2 block is what was compressed', async () => {
  const codec = await loadCodec('bzip2')
  const decompressed = codec.decompress(RANDOMISED, ORIGINAL.length)
  expect(createHash('md5').update(decompressed).digest('hex')).toBe(
    createHash('md5').update(ORIGINAL).digest('hex'),
  )
})

test('streams one after the other are one', async () => {
  const codec = await loadCodec('bzip2')
  const two = codec.decompress(Buffer.concat([RANDOMISED, RANDOMISED]), 1_000_000)
  expect(Buffer.compare(two, Buffer.concat([ORIGINAL, ORIGINAL]))).toBe(0)
})

test('a bit turned anywhere, or a cut, is an error: every block has its CRC', async () => {
  const codec = await loadCodec('bzip2')
  for (let bit = 0; bit < RANDOMISED.length * 8; bit++) {
    const damaged = Buffer.from(RANDOMISED)
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    let decompressed: Uint8Array | undefined
    try {
      decompressed = codec.decompress(damaged, 1_000_000)
    } catch (error) {
      expect(error).toMatchObject({ code: 'FORMAT' })
    }
    // The level and the padding at the end may differ without harm.
    if (decompressed) expect(Buffer.compare(decompressed, ORIGINAL)).toBe(0)
  }
  for (let length = 1; length < RANDOMISED.length; length++) {
    expect(() => codec.decompress(RANDOMISED.subarray(0, length), 1_000_000)).toThrow(/BZip2Codec/)
  }
})

test('bytes beyond the limit are refused', async () => {
  const codec = await loadCodec('bzip2')
  expect(() => codec.decompress(RANDOMISED, ORIGINAL.length - 1)).toThrow(/more than the stated 19999 bytes/)
})
