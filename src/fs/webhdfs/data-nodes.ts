import type { IncomingMessage } from 'node:http'
import { PixelreduceError } from '../../errors.js'
import { answerOf, bodyText, errorOf } from './http-connection.js'
import type { NameNode } from './name-node.js'
import { nameNodeMetrics } from './name-node-metrics.js'
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

  /** Where the server of a URL is reached, after {@link WebHdfsOptions.dataNodeMap}. */
  originOf(location: URL): string {
    const { dataNodeMap } = this.nameNodes.connections.settings
    const mapped = dataNodeMap[location.host] ?? dataNodeMap[location.hostname]
    const host =
      mapped === undefined ? location.host : /:\d+$/.test(mapped) ? mapped : `${mapped}:${location.port}`
    return `${location.protocol}//${host}`
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
    const parameters: Record<string, string> = {}
    for (const name of ['namenoderpcaddress', 'delegation', 'data']) {
      const value = location.searchParams.get(name)
      if (value !== null) parameters[name] = value
    }
    return { origin: this.originOf(location), name: location.host, parameters }
  }

  private excluded(): string | undefined {
    const names = [...this.failedAtMs.keys()].filter((name) => this.hasFailed(name))
    // The host alone is what is left to say where the address of the data transfer isn't known.
    const addresses = names.map((name) => this.transferAddresses.get(name) ?? name.replace(/:\d+$/, ''))
    return addresses.length > 0 ? addresses.join(',') : undefined
  }

  /** From the NameNode's metrics; where we may not see them, hosts have to do. */
  private async learnTransferAddresses(): Promise<void> {
    try {
      const metrics = await nameNodeMetrics(this.nameNodes, this.secure)
      for (const { name, webAddress, transferAddress } of metrics?.live ?? []) {
        this.transferAddresses.set(webAddress, transferAddress)
        this.transferAddresses.set(name, transferAddress)
      }
    } catch (error) {
      if (!(error instanceof PixelreduceError)) throw error
    }
  }
}
