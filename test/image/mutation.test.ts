import { describe, expect, test } from 'vitest'
import { binarize } from '../../src/image/binarize.js'
import { readHeader } from '../../src/image/header.js'
import { Picture } from '../../src/image/picture.js'
import { thumbnail } from '../../src/image/thumbnail.js'
import { mutated, mutationSamples, refusalOf, seeded } from './mutations.js'

const SAMPLES = await mutationSamples()
/** Of CMYK each takes a tenth of a second, to make its colours out. */
const mutantsOf = (name: string) => (name === 'cmyk.jpg' ? 8 : 40)

describe('a damaged picture is decoded or refused in our own words', () => {
  test.each([...SAMPLES.keys()])('%s', async (name) => {
    const random = seeded(1)
    const mutants = mutantsOf(name)
    const refused: string[] = []
    for (let count = 0; count < mutants; count++) {
      const picture = new Picture(`${name} ${count}`, mutated(SAMPLES.get(name)!, random))
      readHeader(picture.bytes)
      const operation = count % 4 === 0 ? binarize : thumbnail
      const reason = await refusalOf(picture.key, () => operation(picture))
      if (reason !== undefined) refused.push(reason)
    }
    expect(refused.length, 'most faults are found').toBeGreaterThan(mutants / 8)
  })
})

test('the same seed makes the same faults', () => {
  const make = (seed: number) => mutated(SAMPLES.get('rgb.png')!, seeded(seed))
  expect(make(7)).toEqual(make(7))
  expect(make(7)).not.toEqual(make(8))
})
