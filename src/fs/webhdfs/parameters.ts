/** The query of a request: operation, options, who we are. Those that are undefined are left out. */
export type Parameters = Readonly<Record<string, string | number | boolean | undefined>>

/** Sets the parameters that have a value. Hadoop reads `+` as a space, which is how URLSearchParams writes it. */
export function addParameters(url: URL, parameters: Parameters): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
}
