import { createHmac, timingSafeEqual } from 'node:crypto'
import { AuthenticationError } from '../../errors.js'

/** The fleet's secret, with which jobs are signed; undefined where there is none. */
export function fleetSecret(): string | undefined {
  return process.env.PIXELREDUCE_SECRET || undefined
}

/** HMAC-SHA256 in hex. */
export function signatureOf(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex')
}

/** @throws AuthenticationError when the signature is missing or another one. */
export function requireSignature(
  secret: string,
  text: string,
  signature: string | undefined,
  what: string,
): void {
  if (signature === undefined) {
    throw new AuthenticationError(
      `Cannot run ${what}: it is not signed, and this worker has a secret; give PIXELREDUCE_SECRET where the job is submitted`,
    )
  }
  const given = Buffer.from(signature)
  const right = Buffer.from(signatureOf(secret, text))
  if (given.length === right.length && timingSafeEqual(given, right)) return
  throw new AuthenticationError(`Cannot run ${what}: it is signed with another PIXELREDUCE_SECRET`)
}
