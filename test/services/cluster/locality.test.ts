import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { JOB_COUNTERS } from '../../../src/mapreduce/counters.js'
import type { JobResult } from '../../../src/mapreduce/driver/events.js'
import { manyPictures } from '../../pictures.js'
import { pixelreduce } from '../../run-command.js'
import { openWebHdfs } from '../webhdfs/helpers.js'
import { TestFleet } from './fleet.js'

const folder = '/locality-test'

describe('a fleet beside the data', () => {
  let fleet: TestFleet
  let dataHost: string
  const fs = openWebHdfs(inject('hdfs').webhdfsUri)
  const at = (name: string) => `${inject('hdfs').webhdfsUri}${folder}/${name}`

  beforeAll(async () => {
    await fs.delete(folder, { recursive: true })
    fleet = await TestFleet.open(inject('redis'))
    const local = join(fleet.folder, 'in')
    await mkdir(local)
    expect((await pixelreduce(['pack', await manyPictures(local, 16), at('packed')])).code).toBe(0)
    const data = `${folder}/packed/part-m-00000/data`
    const [block] = await fs.blockLocations(data, 0, (await fs.stat(data)).length)
    dataHost = block!.hosts[0]!
  })

  afterAll(async () => {
    await fleet.stop()
    await fs.delete(folder, { recursive: true })
  })

  async function maps(output: string): Promise<Record<string, number>> {
    const args = ['thumbnail', '-i', at('packed'), '-o', at(output), '--splits', '4', '--json']
    const { code, out, stderr } = await fleet.run(args)
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    return (JSON.parse(out) as JobResult).counterGroups[JOB_COUNTERS]!
  }

  it('gives splits first to workers that have them, and then to any', async () => {
    const [far] = await fleet.start({ args: ['--host', 'elsewhere'] })
    const alone = await maps('far')
    expect(alone.OTHER_LOCAL_MAPS).toBe(alone.TOTAL_LAUNCHED_MAPS)
    expect(alone.DATA_LOCAL_MAPS).toBeUndefined()

    const [near] = await fleet.start({ args: ['--host', dataHost] })
    const both = await maps('both')
    expect(both.DATA_LOCAL_MAPS).toBeGreaterThan(0)
    expect(both.DATA_LOCAL_MAPS! + (both.OTHER_LOCAL_MAPS ?? 0)).toBe(both.TOTAL_LAUNCHED_MAPS)
    await far!.kill('SIGTERM')

    const beside = await maps('near')
    expect(beside.DATA_LOCAL_MAPS).toBe(beside.TOTAL_LAUNCHED_MAPS)
    expect(near!.running).toBe(true)
  })

  it('takes the splits of a host whose only worker is busy elsewhere', async () => {
    // It is there and takes nothing: what waits for it must not wait for ever.
    const { workerId } = fleet.workers[1]!
    expect((await fleet.liveWorkers()).map((worker) => worker.workerId)).toContain(workerId)
    await fleet.start({ args: ['--host', 'third'] })
    fleet.workers[1]!.pause('SIGSTOP')
    try {
      const { OTHER_LOCAL_MAPS = 0, TOTAL_LAUNCHED_MAPS } = await maps('stopped')
      expect(OTHER_LOCAL_MAPS).toBeGreaterThan(0)
      expect(TOTAL_LAUNCHED_MAPS).toBeGreaterThanOrEqual(OTHER_LOCAL_MAPS)
    } finally {
      fleet.workers[1]!.pause('SIGCONT')
    }
  })
})
