/** What may have to be waited for: a sink's back-pressure. */
export type Waiting = Promise<void> | void

/** Waits for both; neither may be dropped, or its failure would have nobody to meet it. */
export function both(a: Waiting, b: Waiting): Waiting {
  return a && b ? Promise.all([a, b]).then(() => {}) : (a ?? b)
}
