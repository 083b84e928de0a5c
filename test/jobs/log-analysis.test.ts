import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { SuccessFile } from '../../src/mapreduce/output/success-file.js'
import { runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'
import { runEveryWay } from './same-output.js'

const LINES = 4000
const APPLICATIONS = ['shop', 'mail', 'photos']
const APIS = ['api/orders', 'api/orders/{id}', 'api/users/{id}/items', 'index.html']

interface Call {
  application: string
  api: string
  bytes: number
}

/** Calls, and the log that a server would have written of them. */
function callsAndLog(): { calls: Call[]; log: string } {
  const calls = Array.from({ length: LINES }, (_, at): Call => {
    const application = APPLICATIONS[(at * 7) % APPLICATIONS.length]!
    const api = `${application}/${APIS[(at * 11 + (at >> 4)) % APIS.length]}`
    return { application, api, bytes: (at * at) % 100_003 }
  })
  const lines = calls.map(({ api, bytes }, at) => {
    const query = at % 3 === 0 ? `?page=${at}&from=/else` : ''
    const request = `GET /${api.replace('{id}', String(at))}${query} HTTP/1.1`
    const combined = at % 2 === 0 ? ' "-" "curl/8.5"' : ''
    return `10.0.0.${at % 250} - - [21/Nov/2026:12:00:00 +0000] "${request}" 200 ${bytes}${combined}`
  })
  return { calls, log: `${lines.join('\n')}\n` }
}

/** The lines that the job writes for one kind of total. */
function totals(kind: 'application' | 'api', calls: readonly Call[]): string {
  const sums = new Map<string, [calls: number, bytes: number]>()
  for (const call of calls) {
    const [count, bytes] = sums.get(call[kind]) ?? [0, 0]
    sums.set(call[kind], [count + 1, bytes + call.bytes])
  }
  const names = [...sums.keys()].sort()
  return names.map((name) => `${kind}\t${name}\t${sums.get(name)!.join('\t')}\n`).join('')
}

it('writes applications and APIs to a part each, the same however the work is divided', async () => {
  const folder = await temporaryFolder()
  const { calls, log } = callsAndLog()
  await writeFile(join(folder, 'access.log'), log)
  const args = ['--input', join(folder, 'access.log'), '--reducers', '2']
  const { files } = await runEveryWay('log-analysis', folder, args)

  expect(Object.keys(files)).toEqual(['part-r-00000', 'part-r-00001'])
  expect(files['part-r-00000']!.toString()).toBe(totals('application', calls))
  expect(files['part-r-00001']!.toString()).toBe(totals('api', calls))
})

it('combines calls on the way, and writes both kinds to one part with one reducer', async () => {
  const folder = await temporaryFolder()
  const { calls, log } = callsAndLog()
  await writeFile(join(folder, 'access.log'), log)
  const output = join(folder, 'out')
  const args = ['--input', join(folder, 'access.log'), '--output', output, '--splits', '3']
  expect((await runJobCommand(['log-analysis', ...args, '--reducers', '1'])).code).toBe(0)

  expect(await readFile(join(output, 'part-r-00000'), 'utf8')).toBe(
    totals('api', calls) + totals('application', calls),
  )
  const { ledger } = JSON.parse(await readFile(join(output, '_SUCCESS'), 'utf8')) as SuccessFile
  expect(ledger).toMatchObject({ read: LINES, emitted: 2 * LINES })
  expect(ledger.reduced).toBeLessThan(100)
})

it('sets aside what is no line of a log, and passes over what is no call', async () => {
  const folder = await temporaryFolder()
  const { calls, log } = callsAndLog()
  const scan = '10.0.0.9 - - [21/Nov/2026:12:00:00 +0000] "\\x16\\x03\\x01" 400 226'
  await writeFile(join(folder, 'access.log'), `Starting\n${log}\n${scan}\ncut off 127.0.0.1 - - [21/Nov`)
  const args = ['--input', join(folder, 'access.log'), '--reducers', '2']
  const { output, files } = await runEveryWay('log-analysis', folder, args, 3)

  expect(files['part-r-00000']!.toString()).toBe(totals('application', calls))
  const success = JSON.parse(await readFile(join(output, '_SUCCESS'), 'utf8')) as SuccessFile
  expect(success.ledger).toMatchObject({ read: LINES + 4, mapped: LINES, filtered: 1, quarantined: 3 })
  expect(success.counterGroups?.['log-analysis']).toEqual({ NO_HTTP_REQUEST: 1 })
})
