import { z } from 'zod'
import { HASH_METHODS, type HashMethod, LEAST_HASH_SIZE, MOST_HASH_SIZE } from './image-hash.js'

/** Params of jobs that hash pictures, as pieces of their schemas. */
export const hashParams = {
  method: z.enum(HASH_METHODS).default('perceptual').describe('how pictures are hashed'),
  hashSize: z
    .number()
    .int()
    .min(LEAST_HASH_SIZE)
    .max(MOST_HASH_SIZE)
    .default(8)
    .describe('bits of the hash, squared; pdq has 256'),
  draft: z
    .boolean()
    .default(false)
    .describe('decode large JPEGs at a part of their size, which may change a bit'),
}

/** What PDQ's authors recommend for its 256 bits, and what is usual for 64. */
const PDQ_RADIUS = 31
const USUAL_RADIUS = 10

export const radiusParam = z
  .number()
  .int()
  .min(0)
  .max(MOST_HASH_SIZE ** 2)
  .optional()
  .describe(
    `bits in which hashes of pictures that look alike may differ (default ${USUAL_RADIUS}, of pdq ${PDQ_RADIUS})`,
  )

export function radiusOf({ method, radius }: { method: HashMethod; radius?: number | undefined }): number {
  return radius ?? (method === 'pdq' ? PDQ_RADIUS : USUAL_RADIUS)
}
