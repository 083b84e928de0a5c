/** Events for one reader, who may come late or be slow. */
export class EventLog<T extends { type: string }> implements AsyncIterable<T> {
  private readonly waiting: T[] = []
  private ended = false
  private wake: (() => void) | undefined

  push(event: T): void {
    // Of progress only the newest counts, so that for a reader who never comes a few events a task are kept.
    if (event.type === 'progress' && this.waiting.at(-1)?.type === 'progress') this.waiting.pop()
    this.waiting.push(event)
    this.wake?.()
  }

  end(): void {
    this.ended = true
    this.wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      while (this.waiting.length > 0) yield this.waiting.shift()!
      if (this.ended) return
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
  }
}
