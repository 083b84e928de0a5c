import { PixelreduceError } from '../../errors.js'

/** From each state those that may follow it. */
export type Transitions<S extends string> = Readonly<Record<S, readonly S[]>>

/** `to`. @throws PixelreduceError where no transition leads there. */
export function transition<S extends string>(what: string, table: Transitions<S>, from: S, to: S): S {
  if (table[from].includes(to)) return to
  throw new PixelreduceError(`Cannot move the ${what} to ${to}: it is ${from}`)
}
