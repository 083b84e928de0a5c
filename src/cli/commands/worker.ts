import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import type { Command } from 'commander'
import { addFleetOptions, requireFleet } from '../fleet-options.js'
import { bytes, count, time } from '../run-options.js'

export function define(command: Command): void {
  addFleetOptions(command)
    .option('--threads <n>', 'tasks worked on at once (default: one per core)', count)
    .option('--memory <bytes>', 'memory for decoded pictures (default: half of the machine)', bytes)
    .option('--host <names...>', 'what HDFS calls this host (default: its name and addresses)')
    .option('--drain-timeout <time>', 'on SIGTERM let tasks finish for so long (default: 60s)', time)
    .addHelpText(
      'after',
      `
It takes tasks of all jobs of the fleet, in fair shares, until it is ended: on SIGTERM or Ctrl-C it finishes
what it has begun, hands the rest back, and leaves. With PIXELREDUCE_SECRET set it runs nothing that was not
submitted with the same secret.

Redis: redis://[user:password@]host[:port][/db], rediss:// with TLS,
       redis+sentinel://host:26379,host:26379/name[/db], rediss+sentinel://

Examples:
  pixelreduce worker --redis redis://queue:6379
  pixelreduce worker --redis rediss://worker:secret@queue:6380 --threads 8 --drain-timeout 5m

Exit codes: 0 ended when it was asked to, 1 Redis is not there, 2 usage.`,
    )
}

export async function run(
  _args: string[],
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { threads, memory, host, drainTimeout } = options as {
    threads?: number
    memory?: number
    host?: string[]
    drainTimeout?: number
  }
  const address = requireFleet(options, 'work for a fleet')
  const { ClusterWorker } = await import('../../engines/cluster/cluster-worker.js')
  const log = (line: string) => process.stderr.write(`worker: ${line}\n`)
  const slots = threads ?? availableParallelism()
  const worker = await ClusterWorker.start({
    ...address,
    threads: slots,
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(host === undefined ? {} : { hosts: host }),
    ...(drainTimeout === undefined ? {} : { drainMs: drainTimeout }),
    log,
  })
  log(`${worker.workerId} is ready, ${slots} ${slots === 1 ? 'thread' : 'threads'}`)
  if (!signal.aborted) await once(signal, 'abort')
  await worker.drain()
  log('ended')
  return 0
}
