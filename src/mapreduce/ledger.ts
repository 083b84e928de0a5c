import { LedgerError } from '../errors.js'

/**
 * What became of the records of a task or a job. Each record read has exactly one fate, and what was
 * emitted was written; {@link checkLedger} proves both.
 */
export interface Ledger {
  /** Records that the readers delivered. */
  read: number
  /** Of these: emitted one record or more. */
  mapped: number
  /** Of these: emitted none. */
  filtered: number
  /** Of these: set aside with their bytes and a reason. */
  quarantined: number
  /** Of these: dropped, as `--on-error skip` asks. */
  skipped: number
  /** Records emitted by the mapped ones. */
  emitted: number
  /** Records counted in the parts after they were written. */
  written: number
  /** With reducers: records in the map outputs, after the combiner. */
  shuffled?: number
  /** With reducers: records that these read. */
  reduced?: number
  /** With reducers: records that these emitted. */
  reduceEmitted?: number
}

export function emptyLedger(): Ledger {
  return { read: 0, mapped: 0, filtered: 0, quarantined: 0, skipped: 0, emitted: 0, written: 0 }
}

export function addLedgers(ledgers: Iterable<Ledger>): Ledger {
  const sum = emptyLedger()
  for (const ledger of ledgers) {
    for (const key of Object.keys(ledger) as (keyof Ledger)[]) sum[key] = (sum[key] ?? 0) + ledger[key]!
  }
  return sum
}

/**
 * @param where what the ledger is of, for the message: a task, the job.
 * @param planned records that the plan promised, where it could know.
 * @throws LedgerError naming the sums that differ.
 */
export function checkLedger(ledger: Ledger, where: string, planned?: number): void {
  const fates = ledger.mapped + ledger.filtered + ledger.quarantined + ledger.skipped
  const faults: string[] = []
  if (planned !== undefined && planned !== ledger.read) {
    faults.push(`${planned} records were planned, ${ledger.read} read`)
  }
  if (fates !== ledger.read) faults.push(`${ledger.read} records were read, ${fates} have a fate`)
  if (ledger.reduced !== ledger.shuffled) {
    faults.push(`${ledger.shuffled} records were shuffled, ${ledger.reduced} reduced`)
  }
  const emitted = ledger.reduceEmitted ?? ledger.emitted
  if (ledger.written !== emitted) faults.push(`${emitted} records were emitted, ${ledger.written} written`)
  if (faults.length === 0) return
  throw new LedgerError(`Cannot balance the ledger of ${where}: ${faults.join('; ')}`)
}
