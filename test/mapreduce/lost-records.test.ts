import { expect, it } from 'vitest'
import { ProcessLostError, TimeoutError, UserCodeError } from '../../src/errors.js'
import { LostRecords } from '../../src/mapreduce/driver/lost-records.js'

const died = new ProcessLostError('It died', {
  details: { lost: 'the process died (SIGSEGV) while it was mapped', isRecord: false },
})
const late = new TimeoutError('It was late', { details: { lost: 'it was late', isRecord: true } })
const record = (ordinal: number) => ({ ordinal, key: `key-${ordinal}` })

it('sets a record aside that was alone in work when a process died with it the second time', () => {
  const records = new LostRecords('map')
  expect(records.spec).toEqual({})
  expect(records.learn(died, [record(3), record(4), record(5)])).toBe(false)
  expect(records.spec).toEqual({ isCareful: true })
  expect(records.learn(died, [record(4)])).toBe(true)
  expect(records.learn(died, [record(9)])).toBe(false)
  expect(records.learn(died, [record(9)])).toBe(true)
  const reason = 'the process died (SIGSEGV) while it was mapped'
  expect(records.spec).toEqual({
    isCareful: true,
    skip: [
      { ordinal: 4, reason },
      { ordinal: 9, reason },
    ],
  })
})

it('does not wait for a second time where a record took too long', () => {
  const records = new LostRecords('map')
  expect(records.learn(late, [record(1), record(2)])).toBe(false)
  expect(records.learn(late, [record(2)])).toBe(true)
})

it('takes no record for what failed otherwise, between records, or in a reducer', () => {
  const records = new LostRecords('map')
  expect(records.learn(new UserCodeError('It threw'), [record(1)])).toBe(false)
  expect(records.spec).toEqual({})
  for (let attempt = 0; attempt < 3; attempt++) expect(records.learn(died, [])).toBe(false)
  const reducer = new LostRecords('reduce')
  for (let attempt = 0; attempt < 3; attempt++) expect(reducer.learn(died, [record(1)])).toBe(false)
})
