import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  digestOf,
  openSubmittedJob,
  readSubmission,
  type Submission,
  writeSubmission,
} from '../../src/engines/cluster/submission.js'
import { AuthenticationError, FormatError, JobDefinitionError, NotFoundError } from '../../src/errors.js'
import { resolveUri } from '../../src/fs/resolve.js'
import { openJob } from '../../src/mapreduce/driver/open-job.js'
import { installedVersion } from '../../src/package-root.js'
import { temporaryFolder } from '../temporary-folder.js'

const SECRET = 'geheim'

async function submitted(change: Partial<Submission> = {}, secret?: string) {
  const path = await temporaryFolder()
  const job = join(path, 'job.ts')
  await writeFile(
    job,
    `import { defineJob } from 'pixelreduce'
     import sharp from 'sharp'
     export default defineJob({ name: 'own', async map(image, { emit }) {
       await emit(image.key, await sharp(image.bytes).rotate(90).toBuffer())
     } })`,
  )
  const opened = await openJob(job)
  const folder = resolveUri(path)
  const submission = {
    jobId: 'job_1',
    folder: path,
    job: { name: 'own', module: opened.module, version: opened.version },
    bundle: digestOf(opened.bundle!),
    packages: opened.packages,
    ...change,
  } as Submission
  await writeSubmission(folder, submission, opened.bundle, secret)
  return { folder, path, opened }
}

it('brings the job’s code, and which packages it wants of the worker', async () => {
  const { folder, opened } = await submitted()
  expect(opened.packages).toEqual({ sharp: installedVersion('sharp') })
  const found = await openSubmittedJob(await readSubmission(folder, 'job_1', undefined))
  expect(found.job.name).toBe('own')
})

it('is refused where a native package has another version', async () => {
  const { folder } = await submitted({ packages: { sharp: '0.1.2' } })
  const opening = openSubmittedJob(await readSubmission(folder, 'job_1', undefined))
  await expect(opening).rejects.toThrow(/submitted with sharp 0\.1\.2, and here is/)
  await expect(opening).rejects.toBeInstanceOf(JobDefinitionError)
})

it('is refused where its code is not what was submitted', async () => {
  const { folder, path } = await submitted({}, SECRET)
  await writeFile(join(path, 'job.mjs'), 'export default {}')
  const opening = openSubmittedJob(await readSubmission(folder, 'job_1', SECRET))
  await expect(opening).rejects.toBeInstanceOf(AuthenticationError)
})

it('counts with the fleet’s secret alone, and in its own folder alone', async () => {
  const { folder } = await submitted({}, SECRET)
  await expect(readSubmission(folder, 'job_1', SECRET)).resolves.toMatchObject({ jobId: 'job_1' })
  await expect(readSubmission(folder, 'job_1', 'another')).rejects.toThrow(/another PIXELREDUCE_SECRET/)
  const unsigned = await submitted()
  await expect(readSubmission(unsigned.folder, 'job_1', SECRET)).rejects.toThrow(/not signed/)
  const elsewhere = await submitted({ folder: '/somewhere/else' }, SECRET)
  await expect(readSubmission(elsewhere.folder, 'job_1', SECRET)).rejects.toThrow(
    /signed for \/somewhere\/else/,
  )
})

it('is told apart when it is missing and when it is cut off', async () => {
  const { folder, path } = await submitted()
  await writeFile(join(path, 'submission.json'), '{"submission":')
  await expect(readSubmission(folder, 'job_1', undefined)).rejects.toBeInstanceOf(FormatError)
  await expect(readSubmission(resolveUri('/no/such/folder'), 'job_1', undefined)).rejects.toBeInstanceOf(
    NotFoundError,
  )
})
