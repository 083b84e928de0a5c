/** The words for a record that was not mapped in time: the same whoever ended it, for they are stored. */
export function recordTimeoutReason(limitMs: number): string {
  return `it was not done within ${inWords(limitMs)}, which --record-timeout allows`
}

/** 250 ms, 1.5 s, 10 min. */
export function inWords(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))} s`
  return `${Number((ms / 60_000).toFixed(1))} min`
}

/** Calls back each time that nothing has moved for a while. */
export class QuietTimer {
  private readonly timer: NodeJS.Timeout
  private movedMs = performance.now()

  constructor(limitMs: number, onQuiet: (quietMs: number) => void) {
    this.timer = setTimeout(() => {
      this.timer.refresh()
      onQuiet(performance.now() - this.movedMs)
    }, limitMs).unref()
  }

  moved(): void {
    this.movedMs = performance.now()
    this.timer.refresh()
  }

  stop(): void {
    clearTimeout(this.timer)
  }
}
