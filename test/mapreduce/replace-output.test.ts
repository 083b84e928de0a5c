import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { AlreadyExistsError, NotFoundError } from '../../src/errors.js'
import type { FileSystem } from '../../src/fs/file-system.js'
import { LocalFileSystem } from '../../src/fs/local/local-file-system.js'
import { publishOutput, rollForward } from '../../src/mapreduce/output/replace-output.js'
import { temporaryFolder } from '../temporary-folder.js'

const JOB = 'job_2'

/** An old output, and a finished new one in its job's hidden folder. */
async function setup(): Promise<{ folder: string; jobFolder: string; path: string }> {
  const folder = await temporaryFolder()
  const path = join(folder, 'out')
  const jobFolder = join(folder, `.out.${JOB}`)
  for (const [place, jobId] of [
    [path, 'job_1'],
    [join(jobFolder, 'output'), JOB],
  ] as const) {
    await mkdir(place, { recursive: true })
    await writeFile(join(place, '_SUCCESS'), JSON.stringify({ jobId }))
  }
  return { folder, jobFolder, path }
}

async function jobIn(path: string): Promise<string> {
  return (JSON.parse(await readFile(join(path, '_SUCCESS'), 'utf8')) as { jobId: string }).jobId
}

/** A file system that dies at its n-th change, before or after it was carried out. */
function dyingFileSystem(at: number, isAfter: boolean): FileSystem {
  const local = new LocalFileSystem()
  let changes = 0
  const dying = async <T>(change: () => Promise<T>): Promise<T> => {
    const isNow = ++changes === at
    if (changes > at || (isNow && !isAfter)) throw new Error('power cut')
    const result = await change()
    if (isNow) throw new Error('power cut')
    return result
  }
  return Object.assign(Object.create(local) as FileSystem, {
    rename: (from: string, to: string) => dying(() => local.rename(from, to)),
    delete: (path: string, options?: { recursive?: boolean }) => dying(() => local.delete(path, options)),
  })
}

it('refuses to replace an output unless it may', async () => {
  const { jobFolder, path } = await setup()
  const publishing = publishOutput({ fs: new LocalFileSystem(), path }, jobFolder, JOB, false)
  await expect(publishing).rejects.toBeInstanceOf(AlreadyExistsError)
  expect(await jobIn(path)).toBe('job_1')
})

it('replaces the old output, and leaves nothing else once it is carried through', async () => {
  const { folder, jobFolder, path } = await setup()
  const output = { fs: new LocalFileSystem(), path }
  await publishOutput(output, jobFolder, JOB, true)
  expect(await jobIn(path)).toBe(JOB)
  expect(await rollForward(output)).toBe(true)
  expect(await readdir(folder)).toEqual(['out'])
})

it('puts the old output back when the new one can not take its place', async () => {
  const { folder, jobFolder, path } = await setup()
  const local = new LocalFileSystem()
  const fs: FileSystem = Object.assign(Object.create(local) as FileSystem, {
    async rename(from: string, to: string) {
      // The new output goes away just when the old one has been put aside.
      if (from === path) await local.delete(join(jobFolder, 'output'), { recursive: true })
      return local.rename(from, to)
    },
  })
  const publishing = publishOutput({ fs, path }, jobFolder, JOB, true)
  await expect(publishing).rejects.toBeInstanceOf(NotFoundError)
  expect(await jobIn(path)).toBe('job_1')
  expect((await readdir(folder)).sort()).toEqual([`.out.${JOB}`, 'out'])
})

it('puts the old output back when a job that was cut off has lost the new one', async () => {
  const { folder, jobFolder, path } = await setup()
  await publishOutput({ fs: dyingFileSystem(2, true), path }, jobFolder, JOB, true).catch(() => {})
  expect((await readdir(folder)).sort()).toEqual(['.out.intent', `.out.${JOB}`, `.out.${JOB}.old`])
  await rm(jobFolder, { recursive: true })
  expect(await rollForward({ fs: new LocalFileSystem(), path })).toBe(true)
  expect(await jobIn(path)).toBe('job_1')
  expect(await readdir(folder)).toEqual(['out'])
})

it('is carried through by the next command, wherever it was cut off', async () => {
  for (let at = 1; at <= 6; at++) {
    for (const isAfter of [false, true]) {
      const { folder, jobFolder, path } = await setup()
      await publishOutput({ fs: dyingFileSystem(at, isAfter), path }, jobFolder, JOB, true).catch(() => {})
      const output = { fs: new LocalFileSystem(), path }
      // The first step is the attempt to rename onto nothing: before an intent stands, nothing has changed.
      const hasIntent = (await readdir(folder)).includes('.out.intent')
      expect(await rollForward(output)).toBe(hasIntent)
      const isNew = hasIntent || (await jobIn(path)) === JOB
      expect(await jobIn(path)).toBe(isNew ? JOB : 'job_1')
      if (isNew) expect(await readdir(folder)).toEqual(['out'])
      expect(await rollForward(output)).toBe(false)
    }
  }
})

it('survives two commands that carry it through at once', async () => {
  const { folder, jobFolder, path } = await setup()
  await publishOutput({ fs: dyingFileSystem(2, true), path }, jobFolder, JOB, true).catch(() => {})
  const output = { fs: new LocalFileSystem(), path }
  await Promise.all([rollForward(output), rollForward(output), rollForward(output)])
  expect(await jobIn(path)).toBe(JOB)
  expect(await readdir(folder)).toEqual(['out'])
})
