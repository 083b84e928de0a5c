import type { IncomingMessage } from 'node:http'
import { TimeoutError } from '../../errors.js'
import { connectionError } from './http-connection.js'
import type { Doing } from './remote-error.js'

/** Bytes read ahead of the consumer before the socket is told to wait. */
const AHEAD_BYTES = 1024 * 1024

/**
 * The pieces of an answer's body as they come off the socket, uncopied. Up to {@link AHEAD_BYTES} are taken
 * ahead; beyond that the sender waits. The idle limit counts only while we wait for it, not while the
 * consumer works. Leaving the loop closes the socket, unless the body was at its end.
 * @throws ConnectionError, TimeoutError: both retriable, after all pieces that came before.
 */
export async function* responseBody(
  response: IncomingMessage,
  doing: Doing,
  idleTimeoutMs: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const pieces: Buffer[] = []
  let held = 0
  let ended = false
  let failure: { error: unknown } | undefined
  let wake: (() => void) | undefined
  const server = `${response.socket.remoteAddress}:${response.socket.remotePort}`
  const stop = (error: unknown) => {
    if (!ended) failure ??= { error }
    wake?.()
  }
  response.on('data', (piece: Buffer) => {
    pieces.push(piece)
    held += piece.length
    if (held >= AHEAD_BYTES) response.pause()
    wake?.()
  })
  response.once('end', () => {
    ended = true
    wake?.()
  })
  response.once('error', (error) => stop(connectionError(doing, server, error, true)))
  response.once('close', () => stop(connectionError(doing, server, new Error('closed'), true)))
  const onAbort = () => {
    pieces.length = 0
    stop(signal!.reason)
    response.destroy()
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
  const idle = setTimeout(() => {
    // The timer also runs while the consumer works; then nobody waits.
    if (!wake) return
    const state = `nothing came from ${server} for ${idleTimeoutMs} ms`
    stop(
      new TimeoutError(`Cannot ${doing.action} ${doing.path} on ${doing.root}: ${state}`, {
        details: { path: doing.path, server, timeoutMs: idleTimeoutMs },
        retriable: true,
      }),
    )
  }, idleTimeoutMs)
  try {
    for (;;) {
      signal?.throwIfAborted()
      const piece = pieces.shift()
      if (piece) {
        held -= piece.length
        if (held < AHEAD_BYTES / 2 && response.isPaused()) response.resume()
        yield piece
        continue
      }
      if (failure) throw failure.error
      if (ended) return
      idle.refresh()
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      wake = undefined
    }
  } finally {
    clearTimeout(idle)
    signal?.removeEventListener('abort', onAbort)
    if (!ended) response.destroy()
  }
}
