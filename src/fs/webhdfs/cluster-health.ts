import { randomUUID } from 'node:crypto'
import { FileSystemError, PixelreduceError } from '../../errors.js'
import type { Finding } from '../finding.js'
import { joinPath, parentOf } from '../path.js'
import { isTrue, type WireStatus } from './answers.js'
import { type DataNodeChecks, dataNodeFindings } from './data-node-health.js'
import { DataNodes } from './data-nodes.js'
import { HttpConnections } from './http-connection.js'
import {
  clockFinding,
  type NameNodeProbe,
  nameNodeFindings,
  nameNodeFix,
  probeNameNode,
  SAFE_MODE_FIX,
  stateOf,
} from './name-node-health.js'
import { type NameNodeMetrics, nameNodeMetrics } from './name-node-metrics.js'
import type { NameNodes } from './name-nodes.js'
import { webHdfsSettings } from './options.js'
import type { WebHdfsAddress } from './webhdfs-uri.js'

export interface ClusterHealthOptions {
  /** Limit for each connection, each answer, and each pause within one, in ms. */
  readonly limitMs: number
  readonly signal?: AbortSignal
}

/**
 * Checks an HDFS from the view of this machine: its NameNodes, who we are there, whether a folder can be
 * written, and a round trip of bytes through each live DataNode. Findings come in a fixed order. The files
 * of the trial lie in a folder of their own, which is gone in the end however this ends: a DataNode that
 * wakes up late can't make its file any more.
 *
 * @param path the folder, or a file in it
 * @throws the signal's reason; what is wrong with the cluster is a finding
 */
export async function* clusterHealth(
  address: WebHdfsAddress,
  path: string,
  { limitMs, signal }: ClusterHealthOptions,
): AsyncGenerator<Finding> {
  const limits = { connectTimeoutMs: limitMs, answerTimeoutMs: limitMs, idleTimeoutMs: limitMs }
  const connections = new HttpConnections(webHdfsSettings({ ...limits, retryForMs: 0 }))
  const { secure } = address
  try {
    const probes = await Promise.all(
      address.nameNodes.map((host) => probeNameNode(host, address, connections, signal)),
    )
    yield* nameNodeFindings(probes, secure)
    const active = probes.find(({ state }) => state === 'active')
    if (!active) {
      // A clock that is wrong may be why the server refuses us.
      const answering = probes.find(({ skewMs }) => skewMs !== undefined)
      if (answering) yield clockFinding(answering)
      return
    }
    const { nameNodes } = active
    const asked = [
      userFinding(address, active),
      metricsOf(nameNodes, secure, signal),
      folderOf(nameNodes, path),
    ] as const
    yield await asked[0]
    const [metrics, hadoop] = await asked[1]
    yield hadoop
    if (metrics) yield safeModeFinding(metrics)
    yield clockFinding(active)
    const checks: DataNodeChecks = {
      metrics,
      nameNodes,
      nameNodeHost: active.host,
      dataNodes: new DataNodes(nameNodes, secure),
      connections,
      secure,
    }
    const found = await asked[2]
    if ('check' in found) {
      yield found
      yield* dataNodeFindings(checks, { why: 'there is no folder for it' }, signal)
    } else yield* inTrialFolder(checks, found.folder, limitMs, signal)
  } finally {
    connections.destroy()
  }
}

/** Who we are, in the server's words. */
async function userFinding(address: WebHdfsAddress, { nameNodes, host }: NameNodeProbe): Promise<Finding> {
  const { delegationToken } = nameNodes.connections.settings
  const source = delegationToken
    ? 'HADOOP_TOKEN'
    : address.userInUri
      ? 'the URI'
      : process.env.HADOOP_USER_NAME
        ? 'HADOOP_USER_NAME'
        : "the login's name"
  const doing = nameNodes.doing('ask for the home of', '/')
  try {
    const operation = { method: 'GET', op: 'GETHOMEDIRECTORY', path: '/' } as const
    const { Path } = (await nameNodes.call(doing.action, operation)) as { Path: string }
    return { check: 'user', ok: true, detail: `${Path.slice(Path.lastIndexOf('/') + 1)}, from ${source}` }
  } catch (error) {
    if (!(error instanceof PixelreduceError)) throw error
    const detail = `${address.user}, from ${source}: ${stateOf(error, doing)}`
    return { check: 'user', ok: false, detail, fix: nameNodeFix(error, host, address.secure) }
  }
}

/** The metrics where they may be seen, and the line on the cluster's version. */
async function metricsOf(
  nameNodes: NameNodes,
  secure: boolean,
  signal?: AbortSignal,
): Promise<[NameNodeMetrics | undefined, Finding]> {
  const check = 'Hadoop'
  const unseen = (why: string): Finding => ({
    check,
    ok: true,
    note: `${why}, so its version, safe mode and the list of DataNodes are not known; the trial takes one way only`,
  })
  try {
    const metrics = await nameNodeMetrics(nameNodes, secure, signal)
    if (!metrics)
      return [undefined, unseen('the server has no metrics of a NameNode at /jmx, as HttpFS has none')]
    return [metrics, { check, ok: true, detail: metrics.version }]
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof PixelreduceError)) throw error
    return [undefined, unseen(`the metrics at /jmx can't be read (${error.message})`)]
  }
}

function safeModeFinding({ safeMode }: NameNodeMetrics): Finding {
  if (safeMode === '') return { check: 'safe mode', ok: true, detail: 'off' }
  return { check: 'safe mode', ok: false, detail: safeMode.trim().replace(/\.$/, ''), fix: SAFE_MODE_FIX }
}

/** The folder that a path is or lies in; or what is wrong with it. */
async function folderOf(nameNodes: NameNodes, path: string): Promise<{ folder: string } | Finding> {
  const doing = nameNodes.doing('look at', path)
  try {
    const operation = { method: 'GET', op: 'GETFILESTATUS', path } as const
    const answer = (await nameNodes.call(doing.action, operation)) as { FileStatus: WireStatus }
    return { folder: answer.FileStatus.type === 'DIRECTORY' ? path : parentOf(path) }
  } catch (error) {
    if (!(error instanceof PixelreduceError)) throw error
    return folderFailure(path, error, stateOf(error, doing))
  }
}

function folderFailure(folder: string, error: PixelreduceError, detail: string): Finding {
  return { check: `folder ${folder}`, ok: false, detail, fix: folderFix(folder, error) }
}

function folderFix(folder: string, error: PixelreduceError): string {
  switch (error.code) {
    case 'NOT_FOUND':
      return `correct the path, or make it with "hdfs dfs -mkdir -p ${folder}"`
    case 'PERMISSION':
      return `come as its owner (webhdfs://USER@HOST or HADOOP_USER_NAME), or let the owner allow it with "hdfs dfs -chmod" or "hdfs dfs -setfacl" on ${folder}`
    case 'STORAGE_FULL':
      return `raise its quota with "hdfs dfsadmin -setQuota" or "-setSpaceQuota", or remove what is not needed; "hdfs dfs -count -q ${folder}" shows it`
    case 'SAFE_MODE':
      return SAFE_MODE_FIX
    default:
      return 'look at the log of the NameNode'
  }
}

/** Makes the folder of the trial, uses it, and removes it in every case. */
async function* inTrialFolder(
  checks: DataNodeChecks,
  folder: string,
  limitMs: number,
  signal?: AbortSignal,
): AsyncGenerator<Finding> {
  const { nameNodes } = checks
  const trial = joinPath(folder, `.pixelreduce-doctor-${randomUUID()}`)
  // Not to be broken off: whether it was made has to be known.
  const refusal = await makeFolder(nameNodes, trial)
  // Without an answer it may have been made all the same.
  let mayExist = refusal?.details?.status === undefined
  let left: Finding | undefined
  const remove = async () => {
    if (!mayExist) return
    mayExist = false
    left = await removeFolder(nameNodes, trial, limitMs)
  }
  try {
    signal?.throwIfAborted()
    if (refusal) {
      yield folderFailure(folder, refusal, stateOf(refusal, nameNodes.doing('make', trial)))
      yield* dataNodeFindings(checks, { why: "the folder can't be written" }, signal)
    } else {
      yield { check: `folder ${folder}`, ok: true, detail: 'can be written' }
      yield* dataNodeFindings(checks, { folder: trial }, signal)
    }
  } catch (error) {
    await remove()
    if (left) yield left
    throw error
  } finally {
    // Also where the consumer has left its loop.
    await remove()
  }
  if (left) yield left
}

async function makeFolder(nameNodes: NameNodes, path: string): Promise<PixelreduceError | undefined> {
  const { action, root } = nameNodes.doing('make', path)
  try {
    const answer = await nameNodes.call(action, { method: 'PUT', op: 'MKDIRS', path })
    return isTrue(answer)
      ? undefined
      : new FileSystemError(`Cannot make ${path} on ${root}: HDFS answers false`)
  } catch (error) {
    if (error instanceof PixelreduceError) return error
    throw error
  }
}

async function removeFolder(
  nameNodes: NameNodes,
  path: string,
  retryForMs: number,
): Promise<Finding | undefined> {
  const doing = nameNodes.doing('delete', path)
  const operation = { method: 'DELETE', op: 'DELETE', path, parameters: { recursive: true } } as const
  try {
    await nameNodes.withActive((node) => node.call(operation, doing), { retryForMs })
    return undefined
  } catch (error) {
    if (!(error instanceof PixelreduceError)) throw error
    const detail = `${path} is left on HDFS: ${stateOf(error, doing)}`
    return { check: 'cleaning up', ok: false, detail, fix: `run "hdfs dfs -rm -r -skipTrash ${path}"` }
  }
}
