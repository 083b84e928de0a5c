import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runJob } from 'pixelreduce'
import { describe, expect, it } from 'vitest'
import { Counters } from '../../src/mapreduce/counters.js'
import type { Job } from '../../src/mapreduce/job.js'
import { Groups } from '../../src/mapreduce/shuffle/groups.js'
import { callReduce, type ReduceCall } from '../../src/mapreduce/task/call-reduce.js'
import { temporaryFolder } from '../temporary-folder.js'

describe('emits that nobody awaits', () => {
  it('go out one after the other, from a reducer and from a combiner', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'in.txt'), 'b\na\nb\n')
    await writeFile(
      join(folder, 'two.ts'),
      `import { defineJob, Text, textInput } from 'pixelreduce'
       export default defineJob({
         name: 'two',
         input: textInput(),
         shuffle: { key: Text, value: Text },
         output: { key: Text, value: Text, format: 'text' },
         map: (line, { emit }) => emit(line.value, ''),
         async combine(key, values, { emit }) {
           for (const value of ['1', '2', '3']) {
             emit(key, value)
             await null
           }
         },
         async reduce(key, values, { emit }) {
           emit(key, 'first')
           emit(key, 'second')
           for await (const value of values) emit(key, value)
         } })`,
    )
    const output = join(folder, 'out')
    const { ledger } = await runJob(join(folder, 'two.ts'), { input: join(folder, 'in.txt'), output })

    expect(ledger).toMatchObject({ read: 3, written: 10 })
    const lines = (await readFile(join(output, 'part-r-00000'), 'utf8')).split('\n')
    const values = ['first', 'second', '1', '2', '3']
    expect(lines).toEqual([
      ...values.map((value) => `a\t${value}`),
      ...values.map((value) => `b\t${value}`),
      '',
    ])
  })

  it('fail the task where they come after the reducer, or the combiner, has returned', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'in.txt'), 'a\nb\n')
    const jobText = (late: string) => `import { defineJob, Text, textInput } from 'pixelreduce'
      let lateEmit = () => {}
      const emitLater = async (key, values, { emit }) => {
        lateEmit()
        lateEmit = () => void emit(key, 'late').catch(() => {})
        for await (const value of values) await emit(key, value)
      }
      export default defineJob({
        name: 'late',
        input: textInput(),
        shuffle: { key: Text, value: Text },
        output: { key: Text, value: Text, format: 'text' },
        map: (line, { emit }) => emit(line.value, ''),
        async reduce(key, values, { emit }) {
          for await (const value of values) await emit(key, value)
        },
        ${late}: emitLater,
      })`
    for (const late of ['reduce', 'combine']) {
      const module = join(folder, `${late}.ts`)
      await writeFile(module, jobText(late))
      const job = runJob(module, { input: join(folder, 'in.txt'), output: join(folder, `out-${late}`) })
      const message = `Cannot ${late} "a": emit was called after reduce had returned; await it`
      await expect(job).rejects.toMatchObject({ cause: { message: expect.stringContaining(message) } })
    }
  })

  it('wait for what is being written only, and are synchronous without', async () => {
    const log: string[] = []
    await reduceOnce(
      ({ emit }) => {
        for (const key of ['now', 'later', 'after it']) void emit(key, '')
        log.push('returned')
      },
      (key) => {
        log.push(`begin ${key}`)
        if (key !== 'later') return
        return turnOfTheLoop().then(() => void log.push(`end ${key}`))
      },
    )
    expect(log).toEqual(['begin now', 'begin later', 'returned', 'end later', 'begin after it'])
  })

  it('fail the call with the first failure, and nothing is written after it', async () => {
    const written: string[] = []
    const call = reduceOnce(
      ({ emit }) => {
        for (const key of ['a', 'b', 'c']) void emit(key, '')
      },
      async (key) => {
        await turnOfTheLoop()
        if (key === 'b') throw new Error('the disk is full')
        written.push(key)
      },
    )
    await expect(call).rejects.toThrow('the disk is full')
    expect(written).toEqual(['a'])
  })

  it('are written before a reducer that throws is given up', async () => {
    const written: string[] = []
    const call = reduceOnce(
      ({ emit }) => {
        void emit('a', '')
        void emit('b', '')
        throw new Error('as it must')
      },
      async (key) => {
        await turnOfTheLoop()
        written.push(key)
      },
    )
    await expect(call).rejects.toThrow('as it must')
    expect(written).toEqual(['a', 'b'])
  })
})

type Reduce = NonNullable<Job['reduce']>

/** Calls a reducer for a key without values. */
function reduceOnce(
  reduce: (context: Parameters<Reduce>[2]) => Promise<void> | void,
  write: (key: string) => Promise<void> | void,
): Promise<void> {
  const groups = new Groups({ fill: async () => false, next: () => undefined }, () => false)
  const call: ReduceCall = {
    params: {},
    counters: new Counters(),
    signal: new AbortController().signal,
    partition: 0,
    emit: (key) => () => write(key as string),
    emitTo: () => () => {},
    progress() {},
    lateEmit() {},
  }
  return callReduce((_key, _values, context) => reduce(context), 'k', groups, String, call)
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
