import type { Command } from 'commander'
import prettyBytes from 'pretty-bytes'
import { counted } from '../../mapreduce/counted.js'
import { exportRecords } from '../../mapreduce/output/export-records.js'
import { recordsAsFiles } from '../../mapreduce/stored/stored-records.js'

export function define(command: Command): void {
  command
    .argument('<uri>', 'MapFile, SequenceFile or job output')
    .argument('<dir>', 'folder to make')
    .option('--overwrite', 'replace an existing folder')
    .option('--json', 'print the result as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  pixelreduce export out/thumbnails folder

Files are named by their keys. Where the bytes are of another format than the key says, the right extension
is appended: the thumbnail of camera.png becomes camera.png.jpg. The folder appears when it is whole.`,
    )
}

export async function run(
  [uri, dir]: string[],
  options: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const result = await exportRecords(recordsAsFiles(uri!, signal), dir!, {
    overwrite: options.overwrite === true,
  })
  const summary = `export: ${counted(result.files, 'file')}, ${prettyBytes(result.bytes)}, in ${dir}`
  const renamed = result.renamed > 0 ? ` (${result.renamed} with the extension of their format appended)` : ''
  process.stdout.write(
    options.json ? `${JSON.stringify({ ...result, output: dir })}\n` : `${summary}${renamed}\n`,
  )
  return 0
}
