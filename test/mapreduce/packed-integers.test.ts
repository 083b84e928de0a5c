import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FormatError, UserCodeError } from '../../src/errors.js'
import { addPackedIntegers, packIntegers } from '../../src/mapreduce/lib/packed-integers.js'

async function* each<T>(items: readonly T[]) {
  yield* items
}

const integer = fc.oneof(
  fc.nat(300),
  fc.nat(70_000),
  fc.nat({ max: 2 ** 31 - 1 }),
  fc.maxSafeNat(),
  fc.constantFrom(255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
)

test('any whole numbers come back as they were', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(integer), async (values) => {
      expect([...(await addPackedIntegers(each([packIntegers(values)])))]).toEqual(values)
    }),
  )
})

test('sums are the same whatever is summed first', async () => {
  const vectors = fc.array(fc.array(fc.nat({ max: 2 ** 40 }), { minLength: 3, maxLength: 3 }), {
    minLength: 1,
  })
  await fc.assert(
    fc.asyncProperty(vectors, fc.nat(), async (all, seed) => {
      const sums = [0, 1, 2].map((at) => all.reduce((sum, vector) => sum + vector[at]!, 0))
      const middle = seed % (all.length + 1)
      const partial: Uint8Array[] = []
      for (const some of [all.slice(middle), all.slice(0, middle)]) {
        if (some.length > 0) partial.push(packIntegers(await addPackedIntegers(each(some.map(packIntegers)))))
      }
      expect([...(await addPackedIntegers(each(partial)))]).toEqual(sums)
    }),
  )
})

test.each([
  [[0, 255], 3],
  [[0, 256], 5],
  [[0, 65_536], 9],
  [[0, 2 ** 32], 17],
])('%j takes %i bytes', (values, bytes) => {
  expect(packIntegers(values)).toHaveLength(bytes)
})

test.each([-1, 0.5, 2 ** 53, Number.NaN])('%s is refused', (value) => {
  expect(() => packIntegers([value])).toThrow(UserCodeError)
})

test('bytes of another kind, and vectors of different lengths, are refused', async () => {
  for (const bytes of [[], [3, 0], [4, 0, 0]]) {
    await expect(addPackedIntegers(each([Uint8Array.from(bytes)]))).rejects.toBeInstanceOf(FormatError)
  }
  const sum = addPackedIntegers(each([packIntegers([1]), packIntegers([1, 2])]))
  await expect(sum).rejects.toThrow('one vector has 1 of them, another 2')
})
