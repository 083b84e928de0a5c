import { FormatError } from '../../errors.js'
import { answerOf, errorOf } from './http-connection.js'
import type { NameNode } from './name-node.js'
import type { NameNodes } from './name-nodes.js'
import { responseBody } from './response-body.js'

/** What a NameNode tells of itself and its DataNodes in its metrics, the bean NameNodeInfo of `/jmx`. */
export interface NameNodeMetrics {
  /** Hadoop's version without the revision: `3.4.2`. */
  readonly version: string
  /** Why HDFS is in safe mode, in the NameNode's words; empty when it is off. */
  readonly safeMode: string
  /** In the order of their names. */
  readonly live: readonly DataNodeMetrics[]
  /** `host:port` of the DataNodes that the NameNode gave up, the port that of the data transfer. */
  readonly dead: readonly string[]
}

export interface DataNodeMetrics {
  /** `host:port` of its web server as redirects name it. */
  readonly name: string
  /** The same with the host as a number. */
  readonly webAddress: string
  /** `host:port` of the data transfer, by which `excludedatanodes` knows it. */
  readonly transferAddress: string
  /** `In Service`, `Decommissioned` and the like. */
  readonly adminState: string
  readonly version: string
  /** Since its last heartbeat. */
  readonly lastContactSeconds: number
}

/** The bean; the lists of DataNodes are JSON within the JSON, by the host and the port of the data transfer. */
interface NameNodeInfo {
  Version?: string
  SoftwareVersion?: string
  Safemode?: string
  LiveNodes?: string
  DeadNodes?: string
}

interface LiveNode {
  infoAddr?: string
  infoSecureAddr?: string
  xferaddr?: string
  adminState?: string
  version?: string
  lastContact?: number
}

/**
 * Asks the active NameNode for its metrics.
 * @param secure whether the DataNodes are reached over TLS
 * @returns undefined when it has none, which is so for HttpFS
 * @throws FormatError when they are no such JSON; AuthenticationError, ConnectionError and the like
 */
export async function nameNodeMetrics(
  nameNodes: NameNodes,
  secure: boolean,
  signal?: AbortSignal,
): Promise<NameNodeMetrics | undefined> {
  const doing = nameNodes.doing('read the metrics of', '/')
  const ask = async (nameNode: NameNode) => {
    const url = nameNode.url('/', {})
    url.pathname = '/jmx'
    url.search = '?qry=Hadoop:service=NameNode,name=NameNodeInfo'
    const { connections } = nameNodes
    const request = connections.request('GET', url).end()
    const response = await answerOf(request, doing, connections.settings, signal)
    if (response.statusCode === 404) {
      response.resume()
      return undefined
    }
    if (response.statusCode !== 200) throw await errorOf(response, doing)
    const chunks: Buffer[] = []
    const { idleTimeoutMs } = connections.settings
    for await (const chunk of responseBody(response, doing, idleTimeoutMs, signal)) chunks.push(chunk)
    return Buffer.concat(chunks).toString('utf8')
  }
  const text = await nameNodes.withActive(ask, { retryForMs: 0, ...(signal ? { signal } : {}) })
  if (text === undefined) return undefined
  try {
    const [info] = (JSON.parse(text) as { beans?: NameNodeInfo[] }).beans ?? []
    return info && metricsIn(info, secure)
  } catch (cause) {
    throw new FormatError(
      `Cannot read the metrics of ${doing.root}: /jmx answers no JSON as a NameNode's (${(cause as Error).message})`,
      { cause },
    )
  }
}

function metricsIn(info: NameNodeInfo, secure: boolean): NameNodeMetrics {
  const live: DataNodeMetrics[] = []
  const nodes = Object.entries(JSON.parse(info.LiveNodes ?? '{}') as Record<string, LiveNode>)
  for (const [hostAndPort, node] of nodes) {
    const webAddress = secure ? node.infoSecureAddr : node.infoAddr
    if (!webAddress || !node.xferaddr) continue
    // The metrics give the web address by number, redirects give it by name.
    const host = hostAndPort.replace(/:\d+$/, '')
    live.push({
      name: host + webAddress.slice(webAddress.lastIndexOf(':')),
      webAddress,
      transferAddress: node.xferaddr,
      adminState: node.adminState ?? 'In Service',
      version: node.version ?? '',
      lastContactSeconds: node.lastContact ?? 0,
    })
  }
  return {
    version: info.SoftwareVersion ?? info.Version?.replace(/,.*/, '') ?? '',
    safeMode: info.Safemode ?? '',
    live: live.sort((a, b) => (a.name < b.name ? -1 : 1)),
    dead: Object.keys(JSON.parse(info.DeadNodes ?? '{}')).sort(),
  }
}
