import { writeLine } from './output.js'

/** Prints rows of cells, each column as wide as its widest. */
export async function writeTable(rows: readonly (readonly string[])[]): Promise<void> {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column]!))
    await writeLine(cells.join('  ').trimEnd())
  }
}
