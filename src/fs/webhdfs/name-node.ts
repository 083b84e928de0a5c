import { createRequire } from 'node:module'
import type WebHdfsPackage from 'webhdfs'
import { ConnectionError, TimeoutError } from '../../errors.js'
import type { HttpConnections } from './http-connection.js'
import { addParameters, type Parameters } from './parameters.js'
import { type Doing, remoteError } from './remote-error.js'
import { encodePath } from './webhdfs-uri.js'

let webhdfs: typeof WebHdfsPackage | undefined

/** Loaded on first use: it takes a quarter of a second, which a job on local files need not wait for. */
function loadWebHdfs(): typeof WebHdfsPackage {
  webhdfs ??= createRequire(import.meta.url)('webhdfs') as typeof WebHdfsPackage
  return webhdfs
}

/** An operation whose answer is JSON or nothing. */
export interface Operation {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly op: string
  readonly path: string
  readonly parameters?: Parameters
}

/**
 * One NameNode (or HttpFS) through the `webhdfs` package, with three of its methods replaced: it encodes `%`
 * and `+` in no path, takes the status codes that it does not know for redirects, and keeps nothing of a
 * RemoteException but the message.
 */
export class NameNode {
  private readonly client: ReturnType<typeof WebHdfsPackage.createClient>

  constructor(
    /** `host:port` */
    readonly host: string,
    /** `user.name` or `delegation`. */
    private readonly identity: Parameters,
    private readonly secure: boolean,
    private readonly connections: HttpConnections,
  ) {
    const port = /:(\d+)$/.exec(host)!
    const { connectTimeoutMs, answerTimeoutMs, tls } = connections.settings
    this.client = loadWebHdfs().createClient(
      {
        host: host.slice(0, port.index),
        port: port[1]!,
        protocol: secure ? 'https' : 'http',
        path: '/webhdfs/v1',
      },
      {
        agent: secure ? connections.https : connections.http,
        followRedirect: false,
        // One limit of this package covers the connection and the answer.
        timeout: Math.max(connectTimeoutMs, answerTimeoutMs),
        ...tls,
      },
    )
    this.client._getOperationEndpoint = (op, path, parameters) =>
      this.url(path, { op, ...parameters }).toString()
    this.client._isError = (response) => response.statusCode >= 300
    this.client._parseError = (body, _strict, status) => new Answered(status ?? 0, body)
  }

  /** Where an operation is asked for. */
  url(path: string, parameters: Parameters): URL {
    const url = new URL(`${this.secure ? 'https' : 'http'}://${this.host}/webhdfs/v1${encodePath(path)}`)
    addParameters(url, { ...parameters, ...this.identity })
    return url
  }

  /** @throws the RemoteException as one of our errors; ConnectionError, TimeoutError. */
  call(operation: Operation, doing: Doing): Promise<unknown> {
    const endpoint = this.client._getOperationEndpoint(operation.op, operation.path, operation.parameters)
    return new Promise((resolve, reject) => {
      this.client._sendRequest(operation.method, endpoint, (error, _response, body) => {
        if (error) reject(this.translated(error, doing))
        else resolve(body)
      })
    })
  }

  private translated(error: Error & { code?: string; connect?: boolean }, doing: Doing): Error {
    if (error instanceof Answered) return remoteError(doing, this.host, error.status, error.body)
    const { connectTimeoutMs, answerTimeoutMs } = this.connections.settings
    const message = (state: string) => `Cannot ${doing.action} ${doing.path} on ${doing.root}: ${state}`
    const details = { path: doing.path, server: this.host, errno: error.code ?? null }
    if (error.code === 'ETIMEDOUT' || error.code === 'ESOCKETTIMEDOUT') {
      const ms = Math.max(connectTimeoutMs, answerTimeoutMs)
      const sent = error.connect !== true
      return new TimeoutError(message(`${this.host} did not answer within ${ms} ms`), {
        details: { ...details, timeoutMs: ms, sent },
        retriable: true,
        cause: error,
      })
    }
    const sent = !NOT_SENT.has(error.code ?? '')
    const state = sent ? `the connection to ${this.host} broke off` : `${this.host} can't be reached`
    return new ConnectionError(message(`${state} (${error.message || error.code})`), {
      details: { ...details, sent },
      retriable: true,
      cause: error,
    })
  }
}

/** What the package's error parser hands through. */
class Answered extends Error {
  constructor(
    readonly status: number,
    readonly body: unknown,
  ) {
    super(`status ${status}`)
  }
}

const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
