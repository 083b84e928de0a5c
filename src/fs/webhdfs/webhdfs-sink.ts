import type { ClientRequest, IncomingMessage } from 'node:http'
import { FileSystemError, type PixelreduceError, SafeModeError, TimeoutError } from '../../errors.js'
import type { ByteSink } from '../../io/byte-sink.js'
import { connectionError, errorOf, serverOf } from './http-connection.js'
import type { WebHdfsSettings } from './options.js'
import type { Doing } from './remote-error.js'

/** Writes below this are gathered. */
const STAGE_BYTES = 256 * 1024

/** What a sink needs of the request that carries it. */
export interface Upload {
  readonly doing: Doing
  /** PUT or POST to a DataNode, its head sent, its body open. */
  readonly request: ClientRequest
  readonly settings: WebHdfsSettings
  /** Removes what was written; not called when the file turns out to be somebody else's. */
  discard(): Promise<void>
}

/**
 * A file being written through one DataNode. An upload can't be taken up again where it broke off, so any
 * failure is final: the file is removed and every later call throws the same error.
 */
export class WebHdfsSink implements ByteSink {
  readonly name: string
  position = 0
  /** Set when the NameNode shows the file; what fails before that by the server's word made no file. */
  isShown = false
  private stage: Buffer | undefined
  private staged = 0
  private state: 'open' | 'closed' | 'aborted' = 'open'
  private failure: PixelreduceError | undefined
  private discarding: Promise<void> | undefined
  private readonly answer: Promise<IncomingMessage>
  /** Ends the wait of `write` and `close`. */
  private wake: (() => void) | undefined

  constructor(private readonly upload: Upload) {
    const { doing, request } = upload
    this.name = doing.root + doing.path
    request.on('drain', () => this.wake?.())
    this.answer = new Promise((resolve, reject) => {
      request.once('response', (response) => {
        if (isDone(response)) resolve(response.resume())
        else errorOf(response, doing).then(reject)
      })
      request.once('error', (error) => reject(connectionError(doing, serverOf(request), error, true)))
      request.once('close', () =>
        reject(connectionError(doing, serverOf(request), new Error('closed'), true)),
      )
    })
    this.answer.catch((error) => this.fail(error))
  }

  /** Rejects when the upload has failed; for whoever waits for something else meanwhile. */
  get failed(): Promise<never> {
    return this.answer.then(() => new Promise<never>(() => {}))
  }

  write(bytes: Uint8Array): Promise<void> | void {
    if (this.state !== 'open') {
      throw new FileSystemError(`Cannot write to ${this.name}: it is ${this.state}`)
    }
    if (this.failure) return this.throwFailure()
    this.position += bytes.length
    if (this.staged + bytes.length <= STAGE_BYTES) {
      this.stage ??= Buffer.allocUnsafeSlow(STAGE_BYTES)
      this.stage.set(bytes, this.staged)
      this.staged += bytes.length
      return
    }
    return this.flush(bytes)
  }

  async close(): Promise<void> {
    if (this.state !== 'open') return
    if (this.failure) return this.throwFailure()
    if (this.staged > 0) await this.flush()
    this.upload.request.end()
    const { answerTimeoutMs } = this.upload.settings
    const timer = setTimeout(() => {
      this.fail(this.timedOut('did not confirm the end of the file', answerTimeoutMs))
    }, answerTimeoutMs)
    await this.answer.catch(() => {})
    clearTimeout(timer)
    if (this.failure) return this.throwFailure()
    this.state = 'closed'
  }

  async abort(): Promise<void> {
    if (this.state !== 'open') return
    this.state = 'aborted'
    this.fail(new FileSystemError(`Cannot write to ${this.name}: it is aborted`))
    // Whoever aborts has an error of its own to tell.
    await this.discarding?.catch(() => {})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort()
  }

  /** Hands what is gathered, and `more` after it, to the socket; waits while that has enough. */
  private async flush(more?: Uint8Array): Promise<void> {
    const { request } = this.upload
    let hasRoom = true
    if (this.stage && this.staged > 0) {
      hasRoom = request.write(this.stage.subarray(0, this.staged))
      this.stage = undefined
      this.staged = 0
    }
    if (more) hasRoom = request.write(more)
    if (!hasRoom) await this.untilDrained()
    if (this.failure) return this.throwFailure()
  }

  private async untilDrained(): Promise<void> {
    const { idleTimeoutMs } = this.upload.settings
    const timer = setTimeout(() => this.fail(this.timedOut('took no bytes', idleTimeoutMs)), idleTimeoutMs)
    await new Promise<void>((resolve) => {
      this.wake = resolve
      if (this.failure) resolve()
    })
    this.wake = undefined
    clearTimeout(timer)
  }

  private fail(error: PixelreduceError): void {
    if (this.failure || this.state === 'closed') return
    this.failure = error
    this.stage = undefined
    this.upload.request.destroy()
    const wasRefused = error.details?.status !== undefined && !this.isShown
    const isAnothers = wasRefused || error.code === 'ALREADY_EXISTS' || error.code === 'LEASE_CONFLICT'
    this.discarding = isAnothers ? Promise.resolve() : this.upload.discard()
    this.discarding.catch(() => {})
    this.wake?.()
  }

  /**
   * The upload's own error, after the file is gone; that it can't be removed is the lesser trouble. But a
   * DataNode that refuses in the middle answers and hangs up, and we may meet the latter first: then the
   * removal is told why.
   */
  private async throwFailure(): Promise<never> {
    const refusal = await this.discarding?.catch((error: PixelreduceError) => error)
    const failure = this.failure!
    if (failure.code !== 'CONNECTION' || refusal?.code !== 'SAFE_MODE') throw failure
    throw new SafeModeError(`${failure.message}: HDFS is in safe mode (${refusal.message})`, {
      cause: failure,
      details: { ...failure.details },
      retriable: true,
    })
  }

  private timedOut(what: string, limitMs: number): TimeoutError {
    const { doing, request } = this.upload
    return new TimeoutError(
      `Cannot ${doing.action} ${doing.path} on ${doing.root}: ${serverOf(request)} ${what} within ${limitMs} ms`,
      {
        details: { path: doing.path, server: serverOf(request), timeoutMs: limitMs, offset: this.position },
        retriable: true,
      },
    )
  }
}

/** 201 after CREATE, 200 after APPEND. */
function isDone(response: IncomingMessage): boolean {
  return response.statusCode === 201 || response.statusCode === 200
}
