import { type Command, InvalidArgumentError } from 'commander'
import { dataNodeMapOf } from '../fs/webhdfs/options.js'
import { bytes } from './run-options.js'

/** The flags of every command that reads or writes URIs. */
export function addFileSystemOptions(command: Command): void {
  command
    .optionsGroup('HDFS:')
    .option(
      '--large-image <bytes>',
      'read larger values as several ranges at once (default: 2M)',
      (text) => `${bytes(text)}`,
    )
    .option('--datanode-map <host=address:port,...>', 'where DataNodes are reached from here', dataNodeMap)
}

/**
 * Hands the flags on as the environment that they beat: threads that start later inherit it, and so do
 * child processes.
 */
export function applyFileSystemOptions(values: Record<string, unknown>): void {
  const { largeImage, datanodeMap } = values
  if (typeof largeImage === 'string') process.env.PIXELREDUCE_LARGE_IMAGE = largeImage
  if (typeof datanodeMap === 'string') process.env.PIXELREDUCE_DATANODE_MAP = datanodeMap
}

function dataNodeMap(text: string): string {
  try {
    dataNodeMapOf(text)
    return text
  } catch {
    throw new InvalidArgumentError('It takes host=address:port, several divided by commas.')
  }
}
