import type http from 'node:http'
import type https from 'node:https'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { ConnectionError, type PixelreduceError, TimeoutError } from '../../errors.js'
import type { WebHdfsSettings } from './options.js'
import { type Doing, remoteError } from './remote-error.js'

/** Idle connections are closed before the servers close them, or the next request meets a dead one. */
const IDLE_SOCKET_MS = 4000
/** Bytes of an error's body that are read. */
const ERROR_BODY_BYTES = 64 * 1024
/** Limit for a short body: the status says what matters. */
const SHORT_BODY_MS = 10_000

/** Node's own HTTP and TLS take a while to load, which threads that read local files need not wait for. */
function loadHttp(): { http: typeof http; https: typeof https } {
  const require = createRequire(import.meta.url)
  return { http: require('node:http'), https: require('node:https') }
}

/**
 * The connections of one file system. Kept alive where the server lets us (a NameNode does, a DataNode
 * closes after each answer); idle ones do not keep the process running.
 */
export class HttpConnections {
  readonly http: http.Agent
  readonly https: https.Agent

  private readonly modules = loadHttp()

  constructor(readonly settings: WebHdfsSettings) {
    const { http, https } = this.modules
    const shared = { keepAlive: true, maxFreeSockets: 16, timeout: IDLE_SOCKET_MS }
    this.http = new http.Agent(shared)
    this.https = new https.Agent({ ...shared, ...settings.tls })
  }

  /** Starts a request whose body the caller writes and ends; it never follows a redirect. */
  request(method: string, url: URL, headers: http.OutgoingHttpHeaders = {}): http.ClientRequest {
    const { http, https } = this.modules
    return url.protocol === 'https:'
      ? https.request(url, { method, headers, agent: this.https })
      : http.request(url, { method, headers, agent: this.http })
  }

  destroy(): void {
    this.http.destroy()
    this.https.destroy()
  }
}

/** Whether nothing can have reached the server, so that repeating the request is safe. */
export function wasNotSent(error: unknown): boolean {
  const details = (error as Partial<PixelreduceError> | undefined)?.details
  return details?.sent === false
}

/**
 * The head of the answer to a request, whatever its status.
 * @throws TimeoutError and ConnectionError (retriable; `details.sent` is false when no connection came
 *   about), the signal's reason.
 */
export function answerOf(
  request: http.ClientRequest,
  doing: Doing,
  settings: Pick<WebHdfsSettings, 'connectTimeoutMs' | 'answerTimeoutMs'>,
  signal?: AbortSignal,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    let connected = false
    let timer: NodeJS.Timeout | undefined
    const limit = (ms: number, what: string) => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        const state = `${serverOf(request)} ${what} within ${ms} ms`
        const error = new TimeoutError(sentence(doing, state), {
          details: { path: doing.path, server: serverOf(request), timeoutMs: ms, sent: connected },
          retriable: true,
        })
        settle(() => reject(error))
        request.destroy()
      }, ms)
    }
    const onConnect = () => {
      connected = true
      limit(settings.answerTimeoutMs, 'did not answer')
    }
    const onAbort = () => {
      settle(() => reject(signal!.reason))
      request.destroy()
    }
    const settle = (outcome: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      outcome()
    }
    request.on('error', (error) =>
      settle(() => reject(connectionError(doing, serverOf(request), error, connected))),
    )
    request.once('response', (response) => settle(() => resolve(response)))
    request.once('socket', (socket: Socket) => {
      if (!socket.connecting) return onConnect()
      limit(settings.connectTimeoutMs, 'took no connection')
      socket.once(request.protocol === 'https:' ? 'secureConnect' : 'connect', onConnect)
    })
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** The error that an answer of status 400 or more describes. */
export async function errorOf(response: http.IncomingMessage, doing: Doing): Promise<PixelreduceError> {
  const server = serverOf((response as http.IncomingMessage & { req: http.ClientRequest }).req)
  return remoteError(doing, server, response.statusCode ?? 0, await bodyText(response))
}

/** A short body; what came of it when the connection is cut or the server keeps us waiting. */
export async function bodyText(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  const timer = setTimeout(() => response.destroy(), SHORT_BODY_MS)
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= ERROR_BODY_BYTES) break
    }
  } catch {
    // The status says enough.
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** `host:port` of whom a request goes to. */
export function serverOf(request: http.ClientRequest): string {
  return String(request.getHeader('host') ?? request.host)
}

export function connectionError(doing: Doing, server: string, cause: Error, sent: boolean): ConnectionError {
  const code = (cause as NodeJS.ErrnoException).code
  // More than one address was tried: the reason stands in the parts.
  const parts = cause instanceof AggregateError ? cause.errors.map((each: Error) => each.message) : []
  const reason = cause.message || parts.join(', ') || String(code)
  const state = sent ? `the connection to ${server} broke off` : `${server} can't be reached`
  return new ConnectionError(sentence(doing, `${state} (${reason})`), {
    cause,
    details: { path: doing.path, server, errno: code ?? null, sent },
    retriable: true,
  })
}

function sentence(doing: Doing, state: string): string {
  return `Cannot ${doing.action} ${doing.path} on ${doing.root}: ${state}`
}
