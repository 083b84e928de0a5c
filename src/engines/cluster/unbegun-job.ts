import { exists } from '../../fs/exists.js'
import { joinPath } from '../../fs/path.js'
import { resolveUri } from '../../fs/resolve.js'
import { removeJobFolder } from '../../mapreduce/driver/output-specs.js'
import { epochFile } from '../../mapreduce/driver/resume.js'
import type { JobRecord } from './job-record.js'
import { readSubmission } from './submission.js'

/**
 * Removes the folder of a job that has ended without a driver, which would have removed it: the client's, for
 * the workers may not even see it. Where it is not to be seen from here nothing happens.
 */
export async function removeUnbegun({ jobId, folder }: Pick<JobRecord, 'jobId' | 'folder'>): Promise<void> {
  const { fs, path } = resolveUri(folder)
  // What Redis says is no reason to remove a folder that is something else.
  const submission = await readSubmission({ fs, path }, jobId, undefined).catch(() => undefined)
  if (submission?.folder !== folder || (await exists({ fs, path: joinPath(path, epochFile(1)) }))) return
  await removeJobFolder({ fs, path }, submission.parents)
}
