/** What a check of an installation or of a cluster found. */
export interface Finding {
  /** What was looked at: `sharp`, `DataNode dn1:9864`. */
  readonly check: string
  readonly ok: boolean
  /** What was found; of a failure, exactly what is wrong. */
  readonly detail?: string
  /** What is worth knowing although it is no failure. */
  readonly note?: string
  /** The exact thing to do about it. */
  readonly fix?: string
}
