import { randomBytes } from 'node:crypto'
import { FileSystemError, PixelreduceError } from '../../errors.js'
import type { Finding } from '../finding.js'
import { joinPath } from '../path.js'
import type { DataNode, DataNodes } from './data-nodes.js'
import { answerOf, errorOf, type HttpConnections, wasNotSent } from './http-connection.js'
import { stateOf } from './name-node-health.js'
import type { DataNodeMetrics, NameNodeMetrics } from './name-node-metrics.js'
import type { NameNodes } from './name-nodes.js'
import { responseBody } from './response-body.js'
import { severalAtOnce } from './several-at-once.js'

/** DataNodes that are tried at once. */
const DATA_NODES_AT_ONCE = 8
/** Bytes of the file that is written to each DataNode. */
const TRIAL_BYTES = 64 * 1024

/** The DataNodes of a cluster, and what it takes to ask them. */
export interface DataNodeChecks {
  /** What the NameNode tells of its DataNodes; undefined where it doesn't. */
  readonly metrics: NameNodeMetrics | undefined
  readonly nameNodes: NameNodes
  /** `host:port` of the one that is asked. */
  readonly nameNodeHost: string
  readonly dataNodes: DataNodes
  readonly connections: HttpConnections
  readonly secure: boolean
}

/**
 * A line for each live DataNode, and one for all that are dead.
 * @param trial the folder to write to, or why there is none
 */
export async function* dataNodeFindings(
  checks: DataNodeChecks,
  trial: { folder: string } | { why: string },
  signal?: AbortSignal,
): AsyncGenerator<Finding> {
  const check = 'DataNodes'
  const { metrics } = checks
  if (!metrics) {
    if ('why' in trial) yield { check, ok: true, note: `not tried: ${trial.why}` }
    else yield await tryDataNode(checks, undefined, joinPath(trial.folder, '0'), signal)
    return
  }
  const { live, dead } = metrics
  if (live.length === 0) {
    const fix = 'start them; the log of each says why it does not register with the NameNode'
    yield { check, ok: false, detail: 'the NameNode knows none that is alive', fix }
  }
  const one = (node: DataNodeMetrics, stop: AbortSignal) => {
    if ('why' in trial) return reachDataNode(checks, node, trial.why, stop)
    // Such a one is named for no new blocks, however many others are excluded.
    if (node.adminState !== 'In Service') return reachDataNode(checks, node, `it is ${node.adminState}`, stop)
    return tryDataNode(checks, node, joinPath(trial.folder, String(live.indexOf(node))), stop)
  }
  yield* severalAtOnce(live, DATA_NODES_AT_ONCE, one, signal)
  if (dead.length > 0) {
    const note = `${dead.length} dead: ${dead.join(', ')}; HDFS does without them while their blocks have other copies`
    yield { check, ok: true, note }
  }
}

/**
 * Writes a file through one DataNode, which the NameNode names when all others are excluded, reads it back
 * from there and deletes it. One copy only: a pipeline would let the DataNode answer for its neighbours.
 * @param node undefined for whichever server the NameNode names
 * @param path of the file, in a folder that the caller removes
 */
async function tryDataNode(
  checks: DataNodeChecks,
  node: DataNodeMetrics | undefined,
  path: string,
  signal?: AbortSignal,
): Promise<Finding> {
  const { nameNodes, dataNodes, connections, metrics } = checks
  const others = (metrics?.live ?? []).filter((other) => other !== node)
  const doing = nameNodes.doing('write', path)
  const { settings } = connections
  let named: DataNode | undefined
  try {
    const startedMs = performance.now()
    const parameters = { op: 'CREATE', overwrite: false, createparent: false, replication: 1 }
    // For a moment the NameNode goes on naming one that it counts as dead already.
    const excluded = [...others.map(({ transferAddress }) => transferAddress), ...(metrics?.dead ?? [])]
    const excludedatanodes = excluded.join(',') || undefined
    named = (await dataNodes.locate(doing, 'PUT', { ...parameters, excludedatanodes }, signal)) as DataNode
    const instead = others.find((other) => isNamed(other, named!))
    if (instead) {
      const note = `not tried: the NameNode names ${instead.name} although that one is excluded`
      return finding(checks, node, named, { ok: true, note })
    }
    const bytes = randomBytes(TRIAL_BYTES)
    const headers = { 'content-type': 'application/octet-stream', 'content-length': bytes.length }
    const writing = connections.request('PUT', dataNodes.url(named, path, parameters), headers)
    writing.end(bytes)
    const written = await answerOf(writing, doing, settings, signal)
    if (written.statusCode !== 201) throw await errorOf(written, doing)
    written.resume()

    const reading = connections.request('GET', dataNodes.url(named, path, { op: 'OPEN' })).end()
    const answer = await answerOf(reading, doing, settings, signal)
    if (answer.statusCode !== 200) throw await errorOf(answer, doing)
    const pieces: Buffer[] = []
    for await (const piece of responseBody(answer, doing, settings.idleTimeoutMs, signal)) pieces.push(piece)
    const read = Buffer.concat(pieces)
    if (!read.equals(bytes)) {
      const state = `the ${read.length} bytes read back are not the ${bytes.length} that were written`
      throw new FileSystemError(`Cannot read ${path} on ${doing.root}: ${state}`)
    }
    await nameNodes.call('delete', { method: 'DELETE', op: 'DELETE', path, parameters: { recursive: false } })
    const elapsedMs = Math.round(performance.now() - startedMs)
    return finding(checks, node, named, {
      ok: true,
      detail: `written, read back and deleted in ${elapsedMs} ms`,
    })
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof PixelreduceError)) throw error
    const detail = stateOf(error, doing)
    return finding(checks, node, named, { ok: false, detail, fix: dataNodeFix(checks, node, named, error) })
  }
}

/**
 * Looks whether a DataNode answers at all, where it can't be written to.
 * @param why it can't
 */
async function reachDataNode(
  checks: DataNodeChecks,
  node: DataNodeMetrics,
  why: string,
  signal: AbortSignal,
): Promise<Finding> {
  const { nameNodes, dataNodes, connections, secure } = checks
  const doing = nameNodes.doing('reach', '/')
  const origin = dataNodes.originOf(new URL(`${secure ? 'https' : 'http'}://${node.name}`))
  const named: DataNode = { origin, name: node.name, parameters: {} }
  try {
    const request = connections.request('GET', new URL(origin)).end()
    const response = await answerOf(request, doing, connections.settings, signal)
    response.destroy()
    return finding(checks, node, named, { ok: true, note: `answers, but was not written to: ${why}` })
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof PixelreduceError)) throw error
    const detail = stateOf(error, doing)
    return finding(checks, node, named, { ok: false, detail, fix: dataNodeFix(checks, node, named, error) })
  }
}

function finding(
  { metrics, nameNodeHost }: DataNodeChecks,
  node: DataNodeMetrics | undefined,
  named: DataNode | undefined,
  { ok, detail, note, fix }: Omit<Finding, 'check'>,
): Finding {
  const version = metrics?.version
  const isOther = node?.version && version && node.version !== version
  const otherVersion = isOther ? `its Hadoop is ${node.version}, the NameNode's ${version}` : undefined
  const notes = [note, otherVersion].filter((each) => each !== undefined)
  // What the NameNode calls it in a redirect is what counts here, and what the map has to name.
  const alias = node && named && !isNamed(node, named) ? `the NameNode calls it ${named.name}` : undefined
  const details = [alias, detail].filter((each) => each !== undefined)
  return {
    check: checkOf(node, named, nameNodeHost),
    ok,
    detail: details.length > 0 ? details.join(', ') : undefined,
    note: notes.length > 0 ? notes.join('; ') : undefined,
    fix,
  }
}

function checkOf(
  node: DataNodeMetrics | undefined,
  named: DataNode | undefined,
  nameNodeHost: string,
): string {
  if (node) return `DataNode ${node.name}`
  if (!named) return 'DataNodes'
  // HttpFS sends the bytes to itself.
  return named.name === nameNodeHost ? `HttpFS ${named.name}` : `DataNode ${named.name}`
}

function dataNodeFix(
  { connections }: DataNodeChecks,
  node: DataNodeMetrics | undefined,
  named: DataNode | undefined,
  error: PixelreduceError,
): string {
  if (!named) return 'see what the NameNode thinks of it: "hdfs dfsadmin -report"; its disks may be full'
  if (!wasNotSent(error)) {
    return `look at the log of the DataNode ${named.name}, and start it again if it hangs`
  }
  const port = /\d+$/.exec(named.name)?.[0] ?? 'PORT'
  const { dataNodeMap } = connections.settings
  const mapped = dataNodeMap[named.name] ?? dataNodeMap[named.name.replace(/:\d+$/, '')]
  if (mapped !== undefined) {
    return `correct --datanode-map (or PIXELREDUCE_DATANODE_MAP), which leads from ${named.name} to ${mapped}`
  }
  const map = `--datanode-map ${named.name}=ADDRESS:${port}`
  const where = `say with ${map} (or PIXELREDUCE_DATANODE_MAP=${named.name}=ADDRESS:${port}) where this machine reaches it`
  const isUnknown = /^(ENOTFOUND|EAI_AGAIN)$/.test(String(error.details?.errno))
  if (isUnknown || !node) return where
  return `start it if it is down, its last heartbeat was ${node.lastContactSeconds} s ago; if it runs, ${where}`
}

function isNamed(node: DataNodeMetrics, named: DataNode): boolean {
  return named.name === node.name || named.name === node.webAddress
}
