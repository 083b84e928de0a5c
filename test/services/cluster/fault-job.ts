import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Outcome, pixelreduce, runJobCommand } from '../../run-command.js'
import { waitUntil } from '../wait-until.js'
import { type Errand, Gate } from '../webhdfs/gate.js'
import { hiddenIn, recordsOf, type TestFleet, type TestWorker } from './fleet.js'

/*
 * A job whose records wait at a gate, wherever they are mapped or reduced, and say which worker they are on.
 * One of them is bad. In the local engine there is no gate.
 */
const jobText = (reduce: string) => `import { defineJob } from 'pixelreduce'
async function pass(key) {
  const { GATE_URL } = process.env
  if (GATE_URL) await fetch(GATE_URL + encodeURIComponent(key) + '?worker=' + process.ppid + '&pid=' + process.pid)
}
export default defineJob({
  name: 'gated',
  async map(image, { emit }) {
    await pass(image.key)
    if (image.key === 'p07.jpg') throw new Error('it is bad')
    await emit(image.key, image.bytes)
  },
  ${reduce}
})
`
const REDUCE = `reducers: 2,
  async reduce(key, values, { emit }) {
    await pass('reduce ' + key)
    for await (const value of values) await emit(key, value)
  },`

const PICTURES = 18
const PICTURE_BYTES = 2000
export const SPLITS = ['--splits', '6']

export const KEYS = Array.from({ length: PICTURES }, (_, i) => `p${String(i).padStart(2, '0')}.jpg`)
export const REDUCE_KEYS = KEYS.filter((key) => key !== 'p07.jpg').map((key) => `reduce ${key}`)

/** A folder with the input, the jobs and what the local engine makes of them. */
export class FaultBench {
  /** What workers must be started with. */
  readonly environment: Record<string, string>
  private outputs = 0

  private constructor(
    readonly folder: string,
    readonly gate: Gate,
    readonly maps: readonly string[],
    readonly reduces: readonly string[],
    readonly expected: { maps: Record<string, string>; reduces: Record<string, string> },
  ) {
    this.environment = gate.environment({})
  }

  static async open(parent: string): Promise<FaultBench> {
    const folder = join(parent, 'shared')
    const input = join(parent, 'in')
    await mkdir(folder)
    await mkdir(input)
    for (const [i, key] of KEYS.entries()) await writeFile(join(input, key), Buffer.alloc(PICTURE_BYTES, i))
    await writeFile(join(parent, 'maps.ts'), jobText(''))
    await writeFile(join(parent, 'reduces.ts'), jobText(REDUCE))
    const args = (job: string) => [join(parent, job), '-i', input, ...SPLITS]
    const local = async (job: string) => {
      const output = join(parent, `${job}.local`)
      expect(await runJobCommand([...args(job), '-o', output])).toMatchObject({ code: 3 })
      return recordsOf(output)
    }
    const [maps, reduces] = await Promise.all([local('maps.ts'), local('reduces.ts')])
    expect(Object.keys(maps)).toContain('_quarantine/part-m-00000/data')
    return new FaultBench(folder, await Gate.open(), args('maps.ts'), args('reduces.ts'), { maps, reduces })
  }

  newOutput(): string {
    return join(this.folder, `out-${this.outputs++}`)
  }

  /** Runs the job on a fleet. @param at what happens at which record */
  async run(
    fleet: TestFleet,
    args: readonly string[],
    at: Record<string, Errand>,
    output = this.newOutput(),
  ): Promise<{ outcome: Outcome; output: string }> {
    this.gate.environment(at)
    const outcome = await fleet.run([...args, '-o', output, '--progress', 'plain'])
    this.gate.requirePassed()
    return { outcome, output }
  }

  /** That the fault has changed nothing: the bytes, the ledger, and nothing is left. */
  async expectDone(
    fleet: TestFleet,
    { outcome, output }: { outcome: Outcome; output: string },
    expected = this.expected.maps,
  ): Promise<void> {
    expect(outcome.stderr).not.toMatch(/^run-job: /m)
    expect(outcome.out).toMatch(/18 in, 17 out, 1 quarantined; the ledger balances/)
    expect(outcome.code).toBe(3)
    expect(await recordsOf(output)).toEqual(expected)
    expect(await pixelreduce(['verify', output])).toMatchObject({ code: 0 })
    expect(await hiddenIn(this.folder)).toEqual([])
    await expectNoKeys(fleet)
  }
}

/** A worker that is just hearing of a job's end may still be closing its queues. */
export async function expectNoKeys(fleet: TestFleet): Promise<void> {
  await waitUntil('no keys are left', async () => (await fleet.keysLeft()).length === 0, {
    deadlineMs: 10_000,
    describe: async () => (await fleet.keysLeft()).join('\n'),
  })
}

/**
 * Errands that keep all these records waiting until something was done to a worker: to the one that drives the
 * job, to one that has such a record and does not drive it, or to a certain one that has.
 */
export function atOne(
  fleet: TestFleet,
  which: 'driver' | 'other' | TestWorker,
  keys: readonly string[],
  act: (worker: TestWorker) => Promise<unknown>,
): Record<string, Errand> {
  let acting: Promise<unknown> | undefined
  let release = () => {}
  const done = new Promise<void>((resolve) => {
    release = resolve
  })
  const errand: Errand = async (from) => {
    const driver = await fleet.driver()
    const here = fleet.workerOf(from.get('worker'))
    const isOne = which === 'other' ? here !== driver : which === here
    const one = which === 'driver' ? driver : isOne ? here : undefined
    if (one) acting ??= act(one).finally(release)
    await acting
    await done
  }
  return Object.fromEntries(keys.map((key) => [key, errand]))
}
