import { expect, it } from 'vitest'
import { findStraggler } from '../../src/mapreduce/driver/speculation.js'

const policy = { afterMs: 1000, slowerBy: 2, finishedShare: 0.1 }

it('finds the task with the most left, of those that are old and slow enough', () => {
  const quick = { runMs: 1500, share: 0.1 }
  const slow = { runMs: 4000, share: 0.4 }
  const slower = { runMs: 3000, share: 0.1 }
  const hanging = { runMs: 2500, share: 0 }
  expect(findStraggler([quick], [1000], 5, policy)).toBeUndefined()
  expect(findStraggler([quick, slow, slower], [1000], 5, policy)).toBe(slower)
  expect(findStraggler([quick, slow, hanging], [1000], 5, policy)).toBe(hanging)
})

it('leaves a task that is nearly done, and one that is young though tasks are quick', () => {
  expect(findStraggler([{ runMs: 9000, share: 0.95 }], [1000], 5, policy)).toBeUndefined()
  expect(findStraggler([{ runMs: 900, share: 0 }], [10], 5, policy)).toBeUndefined()
})

it('waits until some tasks are done', () => {
  const hanging = [{ runMs: 60_000, share: 0 }]
  expect(findStraggler(hanging, [], 1, policy)).toBeUndefined()
  expect(findStraggler(hanging, [1000], 11, policy)).toBeUndefined()
  expect(findStraggler(hanging, [1000, 1000], 11, policy)).toBe(hanging[0])
})
