import { PixelreduceError } from '../../errors.js'
import { backOff } from './backoff.js'
import { type HttpConnections, wasNotSent } from './http-connection.js'
import type { NameNode, Operation } from './name-node.js'
import type { Parameters } from './parameters.js'
import type { Doing } from './remote-error.js'
import type { WebHdfsAddress } from './webhdfs-uri.js'

/** The NameNodes of one HDFS, of which one is active, and the patience with all of them. */
export class NameNodes {
  private nodes: Promise<NameNode[]> | undefined
  private active = 0
  private hasAnswered = false

  constructor(
    private readonly address: WebHdfsAddress,
    private readonly root: string,
    readonly connections: HttpConnections,
  ) {}

  /**
   * Asks the active NameNode, and the next one where that is a standby or gone.
   * @param options.repeatable Whether the operation may be sent again although it may have been carried out.
   *   @default true
   * @throws what the NameNode says; after the last attempt the error's `details.uncertain` tells whether the
   *   operation may have been carried out without an answer reaching us.
   */
  call(action: string, operation: Operation, options: { repeatable?: boolean } = {}): Promise<unknown> {
    const doing = this.doing(action, operation.path)
    return this.withActive((node) => node.call(operation, doing), options)
  }

  /** Like {@link call} for what is done with the active NameNode's address. */
  async withActive<T>(
    attempt: (node: NameNode) => Promise<T>,
    options: { repeatable?: boolean; signal?: AbortSignal; retryForMs?: number } = {},
  ): Promise<T> {
    const { repeatable = true, signal } = options
    // The package and what it needs are read when HDFS is used first, not at every start of the program.
    this.nodes ??= this.load()
    const nodes = await this.nodes
    const { retryForMs = this.connections.settings.retryForMs } = options
    const startedMs = performance.now()
    let unanswered = false
    let patienceMs = retryForMs / 10
    for (let failures = 1; ; failures++) {
      signal?.throwIfAborted()
      const at = this.active
      // Others may find meanwhile that it has gone for good, which does not shorten a wait that has begun.
      if (this.hasAnswered) patienceMs = retryForMs
      try {
        const answer = await attempt(nodes[at]!)
        this.hasAnswered = true
        return answer
      } catch (error) {
        if (!(error instanceof PixelreduceError)) throw error
        const kind = kindOf(error)
        if (kind === 'final') {
          this.hasAnswered = true
          throw unanswered ? withDetails(error, { uncertain: true }) : error
        }
        if (kind === 'connection' && !wasNotSent(error)) {
          unanswered = true
          if (!repeatable) throw withDetails(error, { uncertain: true })
        }
        if (kind !== 'later' && this.active === at) this.active = (at + 1) % nodes.length
        const spentMs = performance.now() - startedMs
        const allTried = failures >= nodes.length
        if (allTried && spentMs >= patienceMs) {
          // Whoever comes next, to clean up as a rule, needs not wait as long once more.
          if (retryForMs === this.connections.settings.retryForMs) this.hasAnswered = false
          throw givenUp(error, failures, spentMs, patienceMs, unanswered)
        }
        // The other NameNode may well be up: ask it at once.
        if (kind === 'later' || failures % nodes.length === 0) {
          await backOff(Math.ceil(failures / nodes.length), signal)
        }
      }
    }
  }

  doing(action: string, path: string): Doing {
    return { action, path, root: this.root }
  }

  /** Who we are, as parameters; a token says it itself, and a secure cluster refuses two different names. */
  get identity(): Parameters {
    const { delegationToken } = this.connections.settings
    return delegationToken ? { delegation: delegationToken } : { 'user.name': this.address.user }
  }

  private async load(): Promise<NameNode[]> {
    const { NameNode } = await import('./name-node.js')
    return this.address.nameNodes.map(
      (host) => new NameNode(host, this.identity, this.address.secure, this.connections),
    )
  }
}

/**
 * What follows from a failure: `connection` and `standby` go to the next NameNode; `later` asks the same one
 * again (it starts, or has no DataNode yet); `final` is its answer.
 */
function kindOf(error: PixelreduceError): 'connection' | 'standby' | 'later' | 'final' {
  switch (error.code) {
    case 'STANDBY':
      return 'standby'
    case 'CONNECTION':
    case 'TIMEOUT':
      return error.details?.dataNode === true ? 'final' : 'connection'
    case 'SAFE_MODE':
      // Turned on by hand it may stay for hours; at a start it ends by itself.
      return /manually/.test(error.message) ? 'final' : 'later'
    default: {
      const asksForPatience = /RetriableException|ServerTooBusy/.test(String(error.details?.javaClass))
      return asksForPatience || /finds no DataNode/.test(error.message) ? 'later' : 'final'
    }
  }
}

function givenUp(
  error: PixelreduceError,
  attempts: number,
  spentMs: number,
  limitMs: number,
  uncertain: boolean,
): PixelreduceError {
  const tried = `${attempts} attempt${attempts === 1 ? '' : 's'} in ${Math.round(spentMs)} ms, the limit is ${limitMs} ms`
  // Where nothing was to be repeated there is nothing to tell of it.
  const message = limitMs === 0 ? error.message : `${error.message}; ${tried}`
  return withDetails(error, { attempts, ...(uncertain ? { uncertain } : {}) }, message)
}

/** The same error with more details; it is thrown from here, so its stack begins here too. */
export function withDetails<T extends PixelreduceError>(
  error: T,
  details: Record<string, string | number | boolean>,
  message = error.message,
): T {
  const Class = error.constructor as new (...args: ConstructorParameters<typeof PixelreduceError>) => T
  return new Class(message, {
    cause: error.cause,
    details: { ...error.details, ...details },
    retriable: error.retriable,
  })
}
