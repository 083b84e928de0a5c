import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../wait-until.js'

const SCRIPT = fileURLToPath(new URL('../../../examples/cluster/run.mjs', import.meta.url))

describe('examples/cluster', () => {
  /** Where the example's services keep their files; it also marks their processes. */
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pixelreduce-example-test-'))
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** @param onOut called with all that stdout has shown, and a way to press Ctrl-C */
  async function run(onOut: (out: string, interrupt: () => void) => void = () => {}) {
    const child = spawn(process.execPath, [SCRIPT], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let [out, stderr] = ['', '']
    // As a terminal does: to all processes of the group.
    const interrupt = () => process.kill(-child.pid!, 'SIGINT')
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      onOut(out, interrupt)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const [code] = await once(child, 'close')
    return { code, out, stderr }
  }

  it('runs thumbnails from HDFS to HDFS on three workers, and stops everything on Ctrl-C', async () => {
    let isInterrupted = false
    const { code, out, stderr } = await run((shown, interrupt) => {
      if (isInterrupted || !shown.includes('$ npx pixelreduce jobs show')) return
      isInterrupted = true
      interrupt()
    })
    expect(out).toMatch(/thumbnail: done in .*\n.*11 in, 11 out, 0 quarantined/)
    expect(out).toMatch(/part-m-00000 +11 records +ok/)
    expect(out.match(/^\S+-\d+-\w{4} +\S+ +1 +/gm)).toHaveLength(3)
    expect(stderr).toContain('Stopped before the end')
    expect(code).toBe(1)
    expect(await readdir(folder)).toEqual([])
    await waitUntil('no process is left', async () => (await processesOf(folder)).length === 0, {
      deadlineMs: 5000,
    })
  })
})

/** Command lines of the processes with this folder for their temporary files. */
async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const id of await readdir('/proc')) {
    if (!/^\d+$/.test(id)) continue
    const environment = await readFile(`/proc/${id}/environ`, 'utf8').catch(() => '')
    if (environment.includes(`TMPDIR=${folder}\0`)) found.push(await readFile(`/proc/${id}/cmdline`, 'utf8'))
  }
  return found
}
