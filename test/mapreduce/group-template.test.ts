import { expect, test } from 'vitest'
import { KeyError, UsageError } from '../../src/errors.js'
import { groupOf, groupParam, inGroup } from '../../src/mapreduce/lib/group-template.js'

test.each([
  ['', ''],
  ['{dir}', 'cam-7/2026/11'],
  ['{dir:1}', 'cam-7'],
  ['{dir:2}', 'cam-7/2026'],
  ['{dir:9}', 'cam-7/2026/11'],
  ['{dir:1}-{ext}', 'cam-7-jpg'],
  ['{name}', 'IMG.0412'],
  ['all', 'all'],
  ['/^cam-(\\d+)/', '7'],
  ['/CAM-\\d/i', 'cam-7'],
])('%s groups by %s', (template, group) => {
  expect(groupOf('cam-7/2026/11/IMG.0412.jpg', template)).toBe(group)
  expect(groupParam.parse(template)).toBe(template)
})

test('a picture that lies in no folder has an empty one', () => {
  expect(groupOf('a.jpg', '{dir}')).toBe('')
  expect(groupOf('.hidden', '{name}/{ext}')).toBe('.hidden/')
})

test('a key that the expression does not match is refused', () => {
  expect(() => groupOf('a.jpg', '/cam/')).toThrow(KeyError)
})

test.each(['{camera}', '{dir:x}', '/(/'])('%s is no template', (template) => {
  expect(() => groupOf('a.jpg', template)).toThrow(UsageError)
  expect(groupParam.safeParse(template).success).toBe(false)
})

test('what belongs to a group lies in its folder', () => {
  expect([inGroup('', 'mean'), inGroup('a/b', 'mean')]).toEqual(['mean', 'a/b/mean'])
})
