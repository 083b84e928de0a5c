import { UsageError } from '../errors.js'

/** Checks of the options that code gives to a function; flags have been checked by the job's schema already. */
export interface OptionChecks {
  /** @throws UsageError unless it is a whole number of that range. */
  wholeNumber(name: string, value: number, min: number, max: number): number
  /** @throws UsageError unless it is above `above` and at most `max`. */
  number(name: string, value: number, above: number, max: number): number
  /** @throws UsageError unless it is one of those. */
  oneOf<T>(name: string, value: unknown, of: readonly T[]): T
  /** `Cannot <doing>: <name> is <value>, expected <expected>`, to be thrown. */
  wrong(name: string, value: unknown, expected: string): UsageError
}

/** @param doing what the options are for, as messages say it: 'make thumbnails' */
export function optionChecks(doing: string): OptionChecks {
  const wrong = (name: string, value: unknown, expected: string) =>
    new UsageError(`Cannot ${doing}: ${name} is ${JSON.stringify(value)}, expected ${expected}`)
  return {
    wrong,
    wholeNumber(name, value, min, max) {
      if (Number.isInteger(value) && value >= min && value <= max) return value
      throw wrong(name, value, `a whole number from ${min} to ${max}`)
    },
    number(name, value, above, max) {
      if (value > above && value <= max) return value
      throw wrong(name, value, `a number above ${above}, at most ${max}`)
    },
    oneOf<T>(name: string, value: unknown, of: readonly T[]) {
      if ((of as readonly unknown[]).includes(value)) return value as T
      throw wrong(name, value, of.join(', '))
    },
  }
}
