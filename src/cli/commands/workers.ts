import type { Command } from 'commander'
import prettyBytes from 'pretty-bytes'
import { Fleet } from '../../engines/cluster/fleet.js'
import type { WorkerRecord } from '../../engines/cluster/worker-record.js'
import { EXIT } from '../exit.js'
import { addFleetOptions, requireFleet } from '../fleet-options.js'
import { writeLine } from '../output.js'
import { duration } from '../progress.js'
import { writeTable } from '../table.js'

export function define(command: Command): void {
  addFleetOptions(command)
    .option('--json', 'an object for each worker instead of words')
    .addHelpText(
      'after',
      `
Examples:
  pixelreduce workers --redis redis://queue:6379
  pixelreduce workers --json | jq .recordsPerSecond

Exit codes: 0 done, 1 Redis is not there, 2 usage.`,
    )
}

export async function run(_args: string[], options: Record<string, unknown>): Promise<number> {
  await using fleet = await Fleet.connect(requireFleet(options, 'show the workers of a fleet'))
  const workers = await fleet.workers()
  if (options.json) {
    for (const worker of workers) await writeLine(JSON.stringify(worker))
    return EXIT.done
  }
  if (workers.length === 0) {
    process.stderr.write('workers: none is there; "pixelreduce worker --redis URI" starts one\n')
    return EXIT.done
  }
  await writeTable([
    ['WORKER', 'HOST', 'THREADS', 'BUSY', 'IMAGES/S', 'DONE', 'FAILED', 'MEMORY FREE', 'VERSION', 'UP'],
    ...workers.map(rowOf),
  ])
  for (const worker of workers) for (const line of detailsOf(worker)) await writeLine(line)
  return EXIT.done
}

function rowOf(worker: WorkerRecord): string[] {
  const { workerId, hosts, threads, running, recordsPerSecond, attempts, memory, versions, startedMs } =
    worker
  return [
    workerId,
    hosts[0]!,
    String(threads),
    worker.isDraining ? `${running.length}, draining` : String(running.length),
    String(recordsPerSecond),
    String(attempts.done),
    String(attempts.failed),
    prettyBytes(memory.availableBytes),
    versions.pixelreduce,
    duration(Math.max(0, Date.now() - startedMs) / 1000),
  ]
}

function detailsOf({ workerId, running, driving, refused }: WorkerRecord): string[] {
  return [
    ...running.map(
      ({ jobId, attempt, seconds }) => `${workerId}: attempt ${attempt} of ${jobId} for ${duration(seconds)}`,
    ),
    ...driving.map((jobId) => `${workerId}: drives ${jobId}`),
    ...Object.entries(refused).map(([jobId, why]) => `${workerId}: can't work for ${jobId}: ${why}`),
  ]
}
