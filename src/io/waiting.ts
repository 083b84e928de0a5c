/** What may have to be waited for: a sink's back-pressure. */
export type Waiting = Promise<void> | void

/** Waits for both; neither may be dropped, or its failure would have nobody to meet it. */
export function both(a: Waiting, b: Waiting): Waiting {
  return a && b ? Promise.all([a, b]).then(() => {}) : (a ?? b)
}

/** A promise that has failed, for a caller who may not wait for it. */
export function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error)
  promise.catch(() => {})
  return promise
}
