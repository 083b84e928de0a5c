import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type RunOptions, runJob } from 'pixelreduce'
import { describe, expect, it } from 'vitest'
import type { SuccessFile } from '../../src/mapreduce/output/success-file.js'
import { dumpRecords } from '../../src/mapreduce/stored/dump-records.js'
import { verify } from '../../src/mapreduce/stored/verify.js'
import { jsonLines, pixelreduce, runJobCommand } from '../run-command.js'
import { temporaryFolder } from '../temporary-folder.js'

const WORDS = `
import { defineJob, LongWritable, Text, textInput } from 'pixelreduce'
async function sum(key, values, { emit }) {
  let total = 0n
  for await (const value of values) total += value
  await emit(key, total)
}
export default defineJob({
  name: 'words',
  input: textInput(),
  shuffle: { key: Text, value: LongWritable },
  output: { key: Text, value: LongWritable, format: 'text' },
  async map(line, { emit }) {
    for (const word of line.value.split(' ')) if (word) await emit(word, 1n)
  },
  combine: sum,
  reduce: sum,
})`

/** Lines by the byte that they begin at; one with "bad" in it can't be mapped. */
const LINES = `
import { defineJob, LongWritable, Text, textInput } from 'pixelreduce'
export default defineJob({
  name: 'lines',
  input: textInput(),
  output: { key: LongWritable, value: Text, format: 'text' },
  async map(line, { emit }) {
    if (line.value.includes('bad')) throw new Error('it is bad')
    await emit(BigInt(line.key), line.value)
  },
})`

const FORMATS = ['mapfile', 'sequencefile', 'text', 'jsonl'] as const

async function jobFile(source: string): Promise<{ folder: string; job: string; at(name: string): string }> {
  const folder = await temporaryFolder()
  const job = join(folder, 'job.ts')
  await writeFile(job, source)
  return { folder, job, at: (name) => join(folder, name) }
}

async function success(output: string): Promise<SuccessFile> {
  return JSON.parse(await readFile(join(output, '_SUCCESS'), 'utf8'))
}

async function succeed(running: ReturnType<typeof pixelreduce>): Promise<string> {
  const { code, out, stderr } = await running
  expect(code, stderr).toBe(0)
  return out
}

async function partsOf(output: string): Promise<string[]> {
  return (await readdir(output)).filter((name) => name.startsWith('part-')).sort()
}

async function textOf(output: string): Promise<string> {
  const parts = await partsOf(output)
  return (await Promise.all(parts.map((part) => readFile(join(output, part), 'utf8')))).join('')
}

describe('A job over text with reducers', () => {
  it('counts words of several files into every format', async () => {
    const { job, at } = await jobFile(WORDS)
    await mkdir(at('in'))
    await writeFile(at('in/a.txt'), 'to be or not\r\nto be\n')
    await writeFile(at('in/b.txt.gz'), gzipSync('be ünlike\n'))
    const counts = { be: 3, not: 1, or: 1, to: 2, ünlike: 1 }

    for (const format of FORMATS) {
      const output = at(format)
      const flags = ['--reducers', '2', '--output-format', format]
      await succeed(runJobCommand([job, '-i', at('in'), '-o', output, '--progress', 'none', ...flags]))
      expect(await partsOf(output)).toEqual(['part-r-00000', 'part-r-00001'])
      const told = await success(output)
      expect(told).toMatchObject({
        outputFormat: format,
        keyClass: 'org.apache.hadoop.io.Text',
        valueClass: 'org.apache.hadoop.io.LongWritable',
        ledger: { read: 3, written: 5 },
      })
      expect(await succeed(pixelreduce(['verify', output]))).toContain(' ok')
      const dumped = jsonLines<{ key: string; value: unknown }>(await succeed(pixelreduce(['dump', output])))
      const shown =
        format === 'text'
          ? dumped.map(({ value }) => String(value).split('\t'))
          : dumped.map(({ key, value }) => [key, String(value)])
      const expected = Object.entries(counts).map(([word, count]) => [word, String(count)])
      expect(shown.sort(), format).toEqual(expected.sort())
      expect(jsonLines(await succeed(pixelreduce(['ls', output, '--json'])))).toHaveLength(5)
    }
    expect((await textOf(at('text'))).split('\n').sort()).toEqual(
      ['', 'be\t3', 'not\t1', 'or\t1', 'to\t2', 'ünlike\t1'].sort(),
    )
    expect(jsonLines(await textOf(at('jsonl')))).toContainEqual({ key: 'to', value: 2 })
  })

  it('is found by key in a MapFile and a SequenceFile, and not in text', async () => {
    const { job, at } = await jobFile(WORDS)
    await writeFile(at('in.txt'), 'one two two three three three\n')
    for (const format of FORMATS) {
      const flags = ['--reducers', '3', '--output-format', format]
      await succeed(
        runJobCommand([job, '-i', at('in.txt'), '-o', at(format), '--progress', 'none', ...flags]),
      )
    }
    for (const format of ['mapfile', 'sequencefile']) {
      expect(await succeed(pixelreduce(['get', at(format), 'three']))).toBe('"3"\n')
      expect(await pixelreduce(['get', at(format), 'four'])).toMatchObject({ code: 1 })
    }
    for (const format of ['text', 'jsonl']) {
      const { code, stderr } = await pixelreduce(['get', at(format), 'three'])
      expect(code).toBe(1)
      expect(stderr).toMatch(/Cannot look up keys in .*: it is text.*pixelreduce ls.*--output-format mapfile/)
      const exported = await pixelreduce(['export', at(format), at(`${format}-files`)])
      expect(exported.code).toBe(1)
      expect(exported.stderr).toMatch(/it is text already/)
      expect((await pixelreduce(['fix', at(format)])).stderr).toMatch(/it is a file and no MapFile/)
    }
  })
})

describe('A map-only job over text', () => {
  it('keeps the order of the input in every format, its small parts joined', async () => {
    const { job, at } = await jobFile(LINES)
    const lines = Array.from({ length: 3000 }, (_, i) => `line ${i}`)
    await writeFile(at('in.txt'), lines.map((line) => `${line}\n`).join(''))
    for (const format of ['sequencefile', 'text', 'jsonl'] as const) {
      const run = (name: string, options: Partial<RunOptions>) =>
        runJob(job, { input: at('in.txt'), output: at(name), outputFormat: format, workers: 2, ...options })
      await run(`${format}-one`, { splits: 1 })
      await run(`${format}-joined`, { splits: 7 })
      await run(`${format}-parts`, { splits: 7, partBytes: 20 * 1024 })
      const bytes = (name: string) => readFile(join(at(name), 'part-m-00000'))
      expect(await partsOf(at(`${format}-joined`))).toEqual(['part-m-00000'])
      expect((await bytes(`${format}-joined`)).equals(await bytes(`${format}-one`)), format).toBe(true)
      expect((await partsOf(at(`${format}-parts`))).length).toBeGreaterThan(1)
      for (const name of [`${format}-one`, `${format}-parts`]) {
        for await (const report of verify(at(name))) expect(report.faults).toEqual([])
        const values: string[] = []
        for await (const { value } of dumpRecords(at(name))) values.push(String(value).replace(/^\d+\t/, ''))
        expect(values).toEqual(lines)
      }
    }
    expect((await success(at('text-one'))).parts).toMatchObject([{ records: 3000 }])
  })

  it('has its output read by the next job, as text and as records', async () => {
    const { folder, job, at } = await jobFile(LINES)
    await writeFile(at('in.txt'), 'one\ntwo\nthree\n')
    for (const format of FORMATS) {
      await runJob(job, { input: at('in.txt'), output: at(format), outputFormat: format })
    }
    const values: Record<string, unknown> = {}
    for (const [format, input] of [
      ['mapfile', 'recordInput(LongWritable, Text)'],
      ['sequencefile', 'recordInput(LongWritable, Text)'],
      ['text', 'keyValueTextInput()'],
      ['jsonl', 'textInput()'],
    ] as const) {
      const next = join(folder, `${format}.ts`)
      await writeFile(
        next,
        `import { defineJob, keyValueTextInput, LongWritable, NullWritable, recordInput, Text, textInput } from 'pixelreduce'
         export default defineJob({
           name: 'next', input: ${input}, output: { key: Text, value: NullWritable, format: 'text' },
           map: (record, { emit }) => emit(record.value, null),
         })`,
      )
      await runJob(next, { input: at(format), output: at(`${format}-next`) })
      values[format] = await textOf(at(`${format}-next`))
    }
    const plain = 'one\ntwo\nthree\n'
    const json = '{"key":0,"value":"one"}\n{"key":4,"value":"two"}\n{"key":8,"value":"three"}\n'
    expect(values).toEqual({ mapfile: plain, sequencefile: plain, text: plain, jsonl: json })
  })

  it('sets bad lines aside, called by their file and offset', async () => {
    const { job, at } = await jobFile(LINES)
    const lines = Array.from({ length: 100 }, (_, i) => (i % 20 === 0 ? `bad ${i}\n` : `line ${i}\n`))
    await writeFile(at('in.txt'), lines.join(''))
    const flags = ['--splits', '8', '--output-format', 'mapfile', '--progress', 'none']
    const { code, out, stderr } = await runJobCommand([job, '-i', at('in.txt'), '-o', at('out'), ...flags])
    expect(code, stderr).toBe(3)
    expect(out).toContain('it is bad')
    await succeed(pixelreduce(['verify', at('out')]))
    const quarantine = join(at('out'), '_quarantine/part-m-00000')
    const aside = jsonLines<{ key: string }>(await succeed(pixelreduce(['ls', quarantine, '--json'])))
    expect(aside.map(({ key }) => key).sort()).toEqual(
      [0, 20, 40, 60, 80].map((i) => `${at('in.txt')}:${lines.slice(0, i).join('').length}`).sort(),
    )
    expect(await succeed(pixelreduce(['get', quarantine, `${at('in.txt')}:0`]))).toBe('bad 0')
  })

  it('lists, finds and exports records by keys that are numbers', async () => {
    const { job, at } = await jobFile(LINES)
    await writeFile(at('in.txt'), 'one\ntwo\n')
    await succeed(
      runJobCommand([
        ...[job, '-i', at('in.txt'), '-o', at('out'), '--output-format', 'mapfile', '--progress', 'none'],
      ]),
    )
    expect(jsonLines(await succeed(pixelreduce(['ls', at('out'), '--json'])))).toMatchObject([
      { key: '0', bytes: 3, part: 'part-m-00000' },
      { key: '4', bytes: 3, part: 'part-m-00000' },
    ])
    expect(await succeed(pixelreduce(['get', at('out'), '4']))).toBe('two')
    expect((await pixelreduce(['get', at('out'), 'four'])).stderr).toMatch(/the keys are LongWritable/)
    await succeed(pixelreduce(['export', at('out'), at('files')]))
    expect(await readdir(at('files'))).toEqual(['0', '4'])
    expect(await readFile(at('files/4'), 'utf8')).toBe('two')
  })

  it('fails when a value holds the end of a line, and says what holds it', async () => {
    const { job, at } = await jobFile(LINES.replace('line.value)', "line.value + '\\n')"))
    await writeFile(at('in.txt'), 'one\n')
    const { code, stderr } = await runJobCommand([job, '-i', at('in.txt'), '-o', at('out')])
    expect(code).toBe(1)
    expect(stderr).toMatch(/1 record makes 2 lines.*--output-format jsonl/)
    await succeed(
      runJobCommand([
        job,
        '-i',
        at('in.txt'),
        '-o',
        at('out'),
        '--output-format',
        'jsonl',
        '--progress',
        'none',
      ]),
    )
  })

  it('is empty where its input is, in every format', async () => {
    const { job, at } = await jobFile(LINES)
    await writeFile(at('in.txt'), '')
    for (const format of FORMATS) {
      await succeed(
        runJobCommand([
          ...[job, '-i', at('in.txt'), '-o', at(format), '--output-format', format, '--progress', 'none'],
        ]),
      )
      expect(await succeed(pixelreduce(['dump', at(format)]))).toBe('')
      for await (const report of verify(at(format))) expect(report.faults).toEqual([])
    }
  })
})

describe('verify of text', () => {
  it('finds lines that are missing, changed or cut, and lines of JSON that are none', async () => {
    const { job, at } = await jobFile(LINES)
    await writeFile(at('in.txt'), 'one\ntwo\nthree\n')
    const faultsOf = async (format: string, edit: (text: string) => string) => {
      const output = at(`${format}-${Math.random()}`)
      await runJob(job, { input: at('in.txt'), output, outputFormat: format as never })
      const part = join(output, 'part-m-00000')
      await writeFile(part, edit(await readFile(part, 'utf8')))
      const { code, out } = await pixelreduce(['verify', output, '--json'])
      expect(code).toBe(1)
      return jsonLines<{ faults: { message: string }[] }>(out).flatMap(({ faults }) =>
        faults.map(({ message }) => message),
      )
    }
    expect(await faultsOf('text', (text) => text.replace('4\ttwo\n', ''))).toEqual([
      'The number of records of part-m-00000 is 2, and _SUCCESS tells 3',
      'The number of bytes of part-m-00000 is 14, and _SUCCESS tells 20',
      expect.stringContaining('The SHA-256 of the data of part-m-00000'),
    ])
    expect(await faultsOf('text', (text) => text.replace('two', 'owt'))).toEqual([
      expect.stringContaining('SHA-256'),
    ])
    expect(await faultsOf('text', (text) => text.slice(0, -1))).toContainEqual(
      expect.stringContaining('part-m-00000 has no end'),
    )
    expect(await faultsOf('jsonl', (text) => text.replace('{"key":4', '"key":4'))).toContainEqual(
      expect.stringContaining('it is no record in JSON'),
    )
  })
})
