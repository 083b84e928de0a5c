import { expect, test } from 'vitest'
import { parseAccessLogLine } from '../../src/mapreduce/lib/access-log.js'

const START = '127.0.0.1 - - [21/Nov/2026:12:00:00 +0000]'
const call = (request: string) => parseAccessLogLine(`${START} "${request}" 200 1`)?.call

test('a line of the common format, and of the combined one', () => {
  const line = `${START} "GET /shop/api/orders?x=1 HTTP/1.1" 200 1234`
  const parsed = {
    status: 200,
    bytes: 1234,
    call: { method: 'GET', application: 'shop', api: 'shop/api/orders' },
  }
  expect(parseAccessLogLine(line)).toEqual(parsed)
  expect(parseAccessLogLine(`${line} "https://example.org/" "Mozilla/5.0 (X11) \\"x\\""`)).toEqual(parsed)
  expect(parseAccessLogLine(`${line} extra fields`)).toEqual(parsed)
})

test.each([
  ['GET /shop/orders/17/items/4 HTTP/2.0', 'shop', 'shop/orders/{id}/items/{id}'],
  ['GET /shop/v2/a1 HTTP/1.1', 'shop', 'shop/v2/a1'],
  ['GET /2026/11 HTTP/1.1', '2026', '2026/{id}'],
  ['POST //shop//api/ HTTP/1.1', 'shop', 'shop/api'],
  ['GET /shop HTTP/1.1', 'shop', 'shop'],
  ['GET / HTTP/1.1', '/', '/'],
  ['GET /?q=/shop HTTP/1.1', '/', '/'],
  ['GET /shop#top HTTP/1.1', 'shop', 'shop'],
  ['GET http://example.org:8080/shop/a HTTP/1.1', 'shop', 'shop/a'],
  ['GET /shop/\\"quoted\\"', 'shop', 'shop/\\"quoted\\"'],
])('%s calls %s: %s', (request, application, api) => {
  expect(call(request)).toMatchObject({ application, api })
})

test.each([
  '-',
  '',
  '\\x16\\x03\\x01',
  'OPTIONS * HTTP/1.1',
  'CONNECT example.org:443 HTTP/1.1',
])('the request %j is no call, and its line is one all the same', (request) => {
  expect(parseAccessLogLine(`${START} "${request}" 400 226`)).toEqual({
    status: 400,
    bytes: 226,
    call: undefined,
  })
})

test('a user may hold blanks, and bytes may be missing', () => {
  const line = '::1 - Jane Doe [01/Jan/2027:00:00:00 -0130] "HEAD /a HTTP/1.1" 304 -'
  expect(parseAccessLogLine(line)).toMatchObject({ status: 304, bytes: 0 })
})

test.each([
  '',
  'Starting the server',
  `${START} "GET / HTTP/1.1" 200`,
  `${START} "GET / HTTP/1.1" 200 12x`,
  `${START} GET / 200 12`,
  '127.0.0.1 - - [yesterday] "GET / HTTP/1.1" 200 12',
])('%j is no line of an access log', (line) => {
  expect(parseAccessLogLine(line)).toBeUndefined()
})

test('a hostile line is read in no time', () => {
  const hostile = `a b ${'[21/Nov/2026:12:00:00 +0000] "'.repeat(20_000)}`
  expect(parseAccessLogLine(hostile)).toBeUndefined()
  expect(parseAccessLogLine(`${START} "${'\\"'.repeat(100_000)}`)).toBeUndefined()
  expect(parseAccessLogLine(`${START} "GET ${'/a'.repeat(100_000)} x y" 1`)).toBeUndefined()
})
