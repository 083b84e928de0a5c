import type { Command } from 'commander'
import { KilledError } from '../../errors.js'
import type { Finding } from '../../fs/finding.js'
import { hdfsAddressOf, resolveUri } from '../../fs/resolve.js'
import { clusterHealth } from '../../fs/webhdfs/cluster-health.js'
import { dataNodeMapOf } from '../../fs/webhdfs/options.js'
import { EXIT } from '../exit.js'
import { localHealth, machineHealth } from '../machine-health.js'
import { writeLine } from '../output.js'

/** Limit of each wait, in ms. */
const LIMIT_MS = 10_000

export function define(command: Command): void {
  command
    .argument('[uri]', 'folder on HDFS or on this machine that jobs shall read or write')
    .option('--json', 'one object per check: check, ok, detail, note, fix')
    .addHelpText(
      'after',
      `
Examples:
  pixelreduce doctor
  pixelreduce doctor webhdfs://namenode:9870/photos
  pixelreduce doctor hdfs://photos/archive --datanode-map dn1:9864=10.0.0.1:9864,dn2=10.0.0.2

Says of each thing "ok", "note" or "FAIL", and of a failure what to do. With a URI of HDFS it asks each NameNode,
writes a small file through each live DataNode, reads it back and deletes it: all in a folder of its own,
URI/.pixelreduce-doctor-..., that is removed at the end and on Ctrl-C. Each wait ends after ${LIMIT_MS / 1000} s.

Exit codes: 0 all ok, 1 something failed, 2 usage.`,
    )
}

export async function run(
  [uri]: string[],
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  // What is wrong with the command line is told before any line.
  dataNodeMapOf(process.env.PIXELREDUCE_DATANODE_MAP ?? '')
  const hdfs = uri === undefined ? undefined : hdfsAddressOf(uri)
  const localPath = uri === undefined || hdfs ? undefined : resolveUri(uri).path
  using reader = watchReader()
  const stop = AbortSignal.any([signal, reader.gone])
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener('abort', () => reject(stop.reason), { once: true })
  })
  stopped.catch(() => {}) // raced below
  let checks = 0
  let failures = 0
  const tell = async (finding: Finding) => {
    checks++
    if (!finding.ok) failures++
    const line = options.json ? JSON.stringify(finding) : lineOf(finding)
    await Promise.race([writeLine(line), stopped])
  }
  try {
    const local = machineHealth(LIMIT_MS)
    if (localPath !== undefined) local.push(localHealth(localPath, LIMIT_MS))
    for (const finding of local) await tell(await Promise.race([finding, stopped]))
    // Not before: loading libvips and OpenCV holds up this thread, and with it the answers that are timed.
    if (hdfs) {
      const { address, path } = hdfs
      for await (const finding of clusterHealth(address, path, { limitMs: LIMIT_MS, signal: stop })) {
        await tell(finding)
      }
    }
  } catch (error) {
    if (!reader.gone.aborted || signal.aborted) throw error
    return EXIT.done
  }
  if (!options.json) {
    const verdict = failures === 0 ? 'all ok' : `${failures} failed`
    process.stderr.write(`doctor: ${checks} checks, ${verdict}\n`)
  }
  return failures === 0 ? EXIT.done : EXIT.failed
}

function lineOf({ check, ok, detail, note, fix }: Finding): string {
  const state = !ok ? 'FAIL' : note === undefined ? 'ok  ' : 'note'
  const words = [detail, note, fix].filter((each) => each).join('; ')
  return `${state} ${check}${words && `: ${words}`}`.replace(/\s*\n\s*/g, ' ')
}

/**
 * Watches whether somebody reads the output. Other commands end at once when nobody does; this one has a
 * folder on HDFS to remove first.
 */
function watchReader(): { readonly gone: AbortSignal } & Disposable {
  const closed = new AbortController()
  const { stdout } = process
  const usual = stdout.listeners('error') as ((error: Error) => void)[]
  const onError = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') for (const listener of usual) listener(error)
    closed.abort(new KilledError('Cannot go on: nobody reads the output any more'))
  }
  stdout.removeAllListeners('error').on('error', onError)
  return {
    gone: closed.signal,
    [Symbol.dispose]() {
      stdout.off('error', onError)
      for (const listener of usual) stdout.on('error', listener)
    },
  }
}
