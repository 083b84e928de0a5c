import type { IncomingMessage } from 'node:http'
import type { PixelreduceError } from '../../errors.js'
import { answerOf, bodyText, connectionError, errorOf } from './http-connection.js'
import type { NameNode } from './name-node.js'
import type { NameNodes } from './name-nodes.js'
import { addParameters, type Parameters } from './parameters.js'
import type { Doing } from './remote-error.js'
import { encodePath } from './webhdfs-uri.js'

/** A DataNode as the NameNode's redirect names it. */
export interface DataNode {
  /** `http://host:port` where it is reached, after {@link WebHdfsOptions.dataNodeMap}. */
  readonly origin: string
  /** `host:port` as the NameNode calls it. */
  readonly name: string
  /** What it must be told: `namenoderpcaddress`, and on a secure cluster the token to use. */
  readonly parameters: Parameters
}

/** How long a DataNode that failed is left out of reads and writes, in ms. */
const AVOID_MS = 30_000

/** Finds DataNodes and remembers which of them failed. */
export class DataNodes {
  private readonly failedAtMs = new Map<string, number>()
  /** Web address -> address of the data transfer, which alone `excludedatanodes` understands. */
  private readonly transferAddresses = new Map<string, string>()

  constructor(
    private readonly nameNodes: NameNodes,
    private readonly secure: boolean,
  ) {}

  /** Leaves a DataNode out for a while: the NameNode goes on naming it for minutes. */
  async recordFailure(name: string): Promise<void> {
    this.failedAtMs.set(name, Date.now())
    if (!this.transferAddresses.has(name)) await this.learnTransferAddresses()
  }

  recordSuccess(name: string): void {
    this.failedAtMs.delete(name)
  }

  hasFailed(name: string): boolean {
    const failedAtMs = this.failedAtMs.get(name)
    if (failedAtMs === undefined) return false
    if (Date.now() - failedAtMs < AVOID_MS) return true
    this.failedAtMs.delete(name)
    return false
  }

  /**
   * Asks the NameNode which DataNode serves an operation. HttpFS may serve it itself at once; then its answer
   * is returned instead.
   */
  async locate(
    doing: Doing,
    method: string,
    parameters: Parameters,
    signal?: AbortSignal,
  ): Promise<DataNode | IncomingMessage> {
    const options = signal ? { signal } : {}
    return this.nameNodes.withActive(async (nameNode) => {
      const excluded = this.excluded()
      if (!excluded) return this.ask(nameNode, doing, method, parameters, signal)
      try {
        const all = { ...parameters, excludedatanodes: excluded }
        return await this.ask(nameNode, doing, method, all, signal)
      } catch (error) {
        if (!/finds no DataNode/.test((error as Error).message)) throw error
        // Only those that failed are left: better one of them than none.
        this.failedAtMs.clear()
        return this.ask(nameNode, doing, method, parameters, signal)
      }
    }, options)
  }

  /** Where a DataNode is asked. */
  url(node: DataNode, path: string, parameters: Parameters): URL {
    const url = new URL(`${node.origin}/webhdfs/v1${encodePath(path)}`)
    addParameters(url, { ...parameters, ...this.nameNodes.identity, ...node.parameters })
    return url
  }

  private async ask(
    nameNode: NameNode,
    doing: Doing,
    method: string,
    parameters: Parameters,
    signal?: AbortSignal,
  ): Promise<DataNode | IncomingMessage> {
    const { connections } = this.nameNodes
    const url = nameNode.url(doing.path, parameters)
    const headers = method === 'GET' ? {} : { 'content-length': 0 }
    const request = connections.request(method, url, headers).end()
    const response = await answerOf(request, doing, connections.settings, signal)
    if (response.statusCode === 200 && method === 'GET') return response
    if (response.statusCode !== 307 || !response.headers.location) throw await errorOf(response, doing)
    const location = new URL(response.headers.location, url)
    await bodyText(response)
    return this.nodeIn(location)
  }

  /** The path and the rest of a redirect's parameters we know better: servers differ in how they encode them. */
  private nodeIn(location: URL): DataNode {
    const { dataNodeMap } = this.nameNodes.connections.settings
    const mapped = dataNodeMap[location.host] ?? dataNodeMap[location.hostname]
    const host =
      mapped === undefined ? location.host : /:\d+$/.test(mapped) ? mapped : `${mapped}:${location.port}`
    const parameters: Record<string, string> = {}
    for (const name of ['namenoderpcaddress', 'delegation', 'data']) {
      const value = location.searchParams.get(name)
      if (value !== null) parameters[name] = value
    }
    return { origin: `${location.protocol}//${host}`, name: location.host, parameters }
  }

  private excluded(): string | undefined {
    const names = [...this.failedAtMs.keys()].filter((name) => this.hasFailed(name))
    // The host alone is what is left to say where the address of the data transfer isn't known.
    const addresses = names.map((name) => this.transferAddresses.get(name) ?? name.replace(/:\d+$/, ''))
    return addresses.length > 0 ? addresses.join(',') : undefined
  }

  /** From the NameNode's metrics; where we may not see them, hosts have to do. */
  private async learnTransferAddresses(): Promise<void> {
    const doing = this.nameNodes.doing('list the DataNodes', '/')
    try {
      const getMetrics = async (nameNode: NameNode) => {
        const url = nameNode.url('/', {})
        url.pathname = '/jmx'
        url.search = '?qry=Hadoop:service=NameNode,name=NameNodeInfo'
        const { connections } = this.nameNodes
        const request = connections.request('GET', url).end()
        const response = await answerOf(request, doing, connections.settings)
        if (response.statusCode !== 200) throw await errorOf(response, doing)
        const chunks: Buffer[] = []
        try {
          for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
        } catch (error) {
          throw connectionError(doing, nameNode.host, error as Error, true)
        }
        return Buffer.concat(chunks).toString('utf8')
      }
      const text = await this.nameNodes.withActive(getMetrics, { retryForMs: 0 })
      const { beans } = JSON.parse(text) as { beans: { LiveNodes?: string }[] }
      const live = JSON.parse(beans[0]?.LiveNodes ?? '{}') as Record<string, LiveNode>
      for (const [hostAndPort, node] of Object.entries(live)) {
        const webAddress = this.secure ? node.infoSecureAddr : node.infoAddr
        if (!webAddress || !node.xferaddr) continue
        this.transferAddresses.set(webAddress, node.xferaddr)
        // The metrics give the web address by number, redirects give it by name.
        const host = hostAndPort.replace(/:\d+$/, '')
        this.transferAddresses.set(host + webAddress.slice(webAddress.lastIndexOf(':')), node.xferaddr)
      }
    } catch (error) {
      if ((error as PixelreduceError).code === undefined && !(error instanceof SyntaxError)) throw error
    }
  }
}

interface LiveNode {
  infoAddr?: string
  infoSecureAddr?: string
  xferaddr?: string
}
