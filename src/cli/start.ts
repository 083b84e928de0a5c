import { availableParallelism } from 'node:os'
import { LocalExecutor } from '../engines/local/local-executor.js'

/**
 * Where `run-job` begins: the first thread boots and opens libvips while this thread loads the rest of the
 * command and plans. Nothing else may be imported here.
 *
 * @param workers as the command line or the environment says; NaN where neither does
 */
export async function start(args: string[], workers: number): Promise<void> {
  // Threads take the environment that they start in, which these flags change.
  const changesEnvironment = args.some((arg) => /^--(large-image|datanode-map)(=|$)/.test(arg))
  const isProcess = args.some(
    (arg, at) => arg === '--isolation=process' || (arg === 'process' && args[at - 1] === '--isolation'),
  )
  const runs = args.some((arg) => arg === '-i' || arg.startsWith('--input'))
  const slots = Number.isSafeInteger(workers) && workers > 0 ? workers : availableParallelism()
  const isFleet =
    args.some((arg) => arg.startsWith('--redis') || arg === '--engine=cluster') || args.includes('cluster')
  const works = runs && !isFleet && !changesEnvironment && !isProcess && !args.includes('--explain')
  const executor = works ? new LocalExecutor(slots) : undefined
  const { main } = await import('./run-job.js')
  await main(args, executor)
}
