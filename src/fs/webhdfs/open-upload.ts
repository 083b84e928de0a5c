import { once } from 'node:events'
import type { ClientRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { AlreadyExistsError, type PixelreduceError, TimeoutError } from '../../errors.js'
import type { DataNode, DataNodes } from './data-nodes.js'
import { connectionError, type HttpConnections, serverOf, wasNotSent } from './http-connection.js'
import type { Parameters } from './parameters.js'
import type { Doing } from './remote-error.js'
import { WebHdfsSink } from './webhdfs-sink.js'

export interface UploadPlan {
  readonly doing: Doing
  readonly method: 'PUT' | 'POST'
  readonly parameters: Parameters
  /** Whether the file is there, and nobody else's, when the upload is handed out. */
  readonly isShownAtOnce: boolean
  /** Whether the path is there: asked before the upload and, until it is, after its head was sent. */
  exists(): Promise<boolean>
  discard(): Promise<void>
}

/** How often another DataNode is tried when one takes no connection. */
const DATA_NODES = 4

/**
 * Begins CREATE or APPEND: the NameNode names a DataNode, that one takes the bytes. A DataNode says nothing
 * good before the last byte, so a new file counts as created when the NameNode shows it, and what forbids it
 * (permission, quota, safe mode, no parent) is known by then.
 */
export async function openUpload(
  plan: UploadPlan,
  dataNodes: DataNodes,
  connections: HttpConnections,
): Promise<WebHdfsSink> {
  const { doing, method } = plan
  const locating = dataNodes.locate(doing, method, plan.parameters)
  locating.catch(() => {}) // awaited below
  if (plan.isShownAtOnce && (await plan.exists())) {
    const { action, path, root } = doing
    throw new AlreadyExistsError(`Cannot ${action} ${path} on ${root}: it exists already`, {
      details: { path },
    })
  }
  let node = (await locating) as DataNode
  for (let attempt = 1; ; attempt++) {
    const url = dataNodes.url(node, doing.path, plan.parameters)
    const request = connections.request(method, url, { 'content-type': 'application/octet-stream' })
    request.flushHeaders()
    try {
      await connected(request, doing, connections.settings.connectTimeoutMs)
    } catch (error) {
      request.on('error', () => {}).destroy()
      // Nothing was sent yet, so this is the one failure of a write after which another node may be tried.
      if (!wasNotSent(error) || attempt === DATA_NODES) throw error
      await dataNodes.recordFailure(node.name)
      node = (await dataNodes.locate(doing, method, plan.parameters)) as DataNode
      continue
    }
    const { settings } = connections
    const sink = new WebHdfsSink({ doing, request, settings, discard: () => plan.discard() })
    if (plan.isShownAtOnce) await shown(plan, request, sink, settings.answerTimeoutMs)
    sink.isShown = true
    dataNodes.recordSuccess(node.name)
    return sink
  }
}

async function connected(request: ClientRequest, doing: Doing, limitMs: number): Promise<void> {
  const signal = AbortSignal.timeout(limitMs)
  try {
    const socket = request.socket ?? (await once(request, 'socket', { signal }))[0]
    if (!socket.connecting) return
    // The request passes the socket's errors on.
    const event = request.protocol === 'https:' ? 'secureConnect' : 'connect'
    const failed = once(request, 'never', { signal }) // rejects on 'error'
    await Promise.race([once(socket, event, { signal }), failed])
    failed.catch(() => {})
  } catch (error) {
    if (!signal.aborted) throw connectionError(doing, serverOf(request), error as Error, false)
    throw new TimeoutError(
      `Cannot ${doing.action} ${doing.path} on ${doing.root}: ${serverOf(request)} took no connection within ${limitMs} ms`,
      {
        details: { path: doing.path, server: serverOf(request), timeoutMs: limitMs, sent: false },
        retriable: true,
      },
    )
  }
}

/** Waits until the NameNode shows the new file, or the DataNode refuses it. */
async function shown(
  plan: UploadPlan,
  request: ClientRequest,
  sink: WebHdfsSink,
  limitMs: number,
): Promise<void> {
  const stop = new AbortController()
  const appears = async () => {
    // A DataNode says 100 before it creates the file; HttpFS says nothing, so don't count on it.
    await Promise.race([once(request, 'continue'), delay(50)])
    for (let pauseMs = 2; !(await plan.exists()); pauseMs = Math.min(200, pauseMs * 2)) {
      await delay(pauseMs, undefined, { signal: stop.signal })
    }
  }
  const timer = setTimeout(() => stop.abort(), limitMs)
  try {
    await Promise.race([appears(), sink.failed])
  } catch (error) {
    await sink.abort()
    if ((error as Error).name !== 'AbortError') throw error as PixelreduceError
    const { action, path, root } = plan.doing
    throw new TimeoutError(
      `Cannot ${action} ${path} on ${root}: ${serverOf(request)} did not create it within ${limitMs} ms`,
      { details: { path, server: serverOf(request), timeoutMs: limitMs }, retriable: true },
    )
  } finally {
    clearTimeout(timer)
    stop.abort()
  }
}
