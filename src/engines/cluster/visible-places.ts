import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { UsageError } from '../../errors.js'
import { exists } from '../../fs/exists.js'
import { joinPath } from '../../fs/path.js'
import { type Location, resolveUri, uriOf } from '../../fs/resolve.js'
import { readText, writeText } from '../../fs/text.js'
import { type ControlMessage, tellWorkers } from './control-message.js'
import type { FleetKeys } from './fleet-keys.js'
import { REFUSED_MS } from './patience.js'
import type { WorkerRecord } from './worker-record.js'

/*
 * A plain path is the same place on every node only where all of them mount it. That is proved before a job is
 * planned: a file with a random text is written beside the output, and each worker says whether it reads that.
 */

type Look = Extract<ControlMessage, { type: 'look' }>

export interface LookReply {
  workerId: string
  /** URIs that it does not see. */
  missing: string[]
}

const PROBE_FILE = '.probe'

/**
 * @param folder the job's; the probe lies in it
 * @param inputs URIs
 * @throws UsageError naming the first worker that does not see what this process sees.
 */
export async function requireVisiblePlaces(
  { redis, listener, keys }: { redis: Redis; listener: Redis; keys: FleetKeys },
  folder: Location,
  inputs: readonly string[],
  workers: readonly WorkerRecord[],
): Promise<void> {
  const isPlain = ({ fs }: Location) => fs.root === 'file://'
  const places: Look['places'] = inputs
    .map(resolveUri)
    .filter(isPlain)
    .map((each) => ({ uri: uriOf(placeOfGlob(each)) }))
  const probe = { fs: folder.fs, path: joinPath(folder.path, PROBE_FILE) }
  if (isPlain(folder)) {
    const holds = randomUUID()
    await folder.fs.delete(probe.path)
    await writeText(folder.fs, probe.path, holds)
    places.push({ uri: uriOf(probe), holds })
  }
  if (places.length === 0) return
  try {
    const replies = await ask({ redis, listener, keys }, places, workers)
    for (const { workerId, hosts } of workers) {
      const reply = replies.get(workerId)
      const who = `worker ${workerId} on ${hosts[0]}`
      // One that is just ending does not answer, and does not matter.
      if (!reply) continue
      const [missing] = reply.missing
      if (missing === undefined) continue
      throw new UsageError(
        `Cannot use ${missing === uriOf(probe) ? uriOf(folder) : missing} with this fleet: ${who} does not see it; mount it on every node, or use webhdfs://`,
      )
    }
  } finally {
    await folder.fs.delete(probe.path)
  }
}

/** What a worker answers to a look. */
export async function lookAtPlaces(places: Look['places']): Promise<string[]> {
  const missing: string[] = []
  for (const { uri, holds } of places) {
    const { fs, path } = resolveUri(uri)
    const isThere = await (holds === undefined
      ? exists({ fs, path })
      : readText(fs, path).then((text) => text === holds)
    ).catch(() => false)
    if (!isThere) missing.push(uri)
  }
  return missing
}

async function ask(
  { redis, listener, keys }: { redis: Redis; listener: Redis; keys: FleetKeys },
  places: Look['places'],
  workers: readonly WorkerRecord[],
): Promise<Map<string, LookReply>> {
  const request = randomUUID()
  const channel = keys.reply(request)
  const replies = new Map<string, LookReply>()
  let timer: NodeJS.Timeout | undefined
  let onMessage: (channel: string, text: string) => void = () => {}
  const complete = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, REFUSED_MS)
    onMessage = (from, text) => {
      if (from !== channel) return
      const reply = JSON.parse(text) as LookReply
      replies.set(reply.workerId, reply)
      if (workers.every(({ workerId }) => replies.has(workerId))) resolve()
    }
  })
  listener.on('message', onMessage)
  try {
    await listener.subscribe(channel)
    await tellWorkers(redis, keys, { type: 'look', request, places })
    await complete
  } finally {
    clearTimeout(timer)
    listener.off('message', onMessage)
    await listener.unsubscribe(channel)
  }
  return replies
}

/** Of a glob the folder before its first special part. */
export function placeOfGlob({ fs, path }: Location): Location {
  const parts = path.split('/')
  const first = parts.findIndex((part) => /[*?{[]/.test(part))
  return first < 0 ? { fs, path } : { fs, path: parts.slice(0, first).join('/') || '/' }
}
