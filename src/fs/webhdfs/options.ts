import type { SecureContextOptions } from 'node:tls'
import { UsageError } from '../../errors.js'

/** How a {@link WebHdfsFileSystem} behaves. */
export interface WebHdfsOptions {
  /** Limit for opening a connection, in ms. @default 10_000 */
  connectTimeoutMs?: number
  /** Limit for the first byte of an answer, in ms. @default 60_000 */
  answerTimeoutMs?: number
  /** Limit for a connection on which nothing moves while we wait for it, in ms. @default 60_000 */
  idleTimeoutMs?: number
  /**
   * How long a request to the NameNodes is repeated while none of them answers, in ms. Before the first
   * answer of all, and after they were given up until they answer again, it is a tenth of that, so that a
   * mistyped address does not keep a user waiting. @default PIXELREDUCE_RETRY_FOR_MS, else 30_000
   */
  retryForMs?: number
  /** How often in a row a read may break off without getting on before it is given up. @default 6 */
  readAttempts?: number
  /** A read of more bytes than this is made as several ranges at once; 0 never does. @default PIXELREDUCE_LARGE_IMAGE, else 2 MiB */
  largeReadBytes?: number
  /** Ranges of one large read that are under way at once. @default 4 */
  parallelReads?: number
  /** Where a DataNode is reached: `host` or `host:port` as the NameNode names it -> `address[:port]`. @default PIXELREDUCE_DATANODE_MAP (`host=address:port,...`), else none */
  dataNodeMap?: Readonly<Record<string, string>>
  /** Delegation token, as GETDELEGATIONTOKEN gives it. @default the first one of HADOOP_TOKEN */
  delegationToken?: string
  /** Certificates and keys for `swebhdfs://`. @default Node's own */
  tls?: SecureContextOptions & { rejectUnauthorized?: boolean }
}

export type WebHdfsSettings = Readonly<
  Required<Omit<WebHdfsOptions, 'delegationToken' | 'tls'>> & Pick<WebHdfsOptions, 'delegationToken' | 'tls'>
>

const MIB = 1024 * 1024

/** The options with their defaults. @throws UsageError when a limit is no positive number. */
export function webHdfsSettings(options: WebHdfsOptions = {}, environment = process.env): WebHdfsSettings {
  const numbers = {
    connectTimeoutMs: 10_000,
    answerTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
    retryForMs: Number(environment.PIXELREDUCE_RETRY_FOR_MS || 30_000),
    readAttempts: 6,
    largeReadBytes: Number(environment.PIXELREDUCE_LARGE_IMAGE || 2 * MIB),
    parallelReads: 4,
  }
  for (const name of Object.keys(numbers) as (keyof typeof numbers)[]) {
    const value = options[name] ?? numbers[name]
    const least = name === 'largeReadBytes' || name === 'retryForMs' ? 0 : 1
    if (!Number.isFinite(value) || value < least) {
      throw new UsageError(`Cannot use WebHDFS: ${name} is ${value}, at least ${least} is needed`)
    }
    numbers[name] = value
  }
  const delegationToken = options.delegationToken ?? environment.HADOOP_TOKEN?.split(',')[0]
  return {
    ...numbers,
    dataNodeMap: options.dataNodeMap ?? dataNodeMapOf(environment.PIXELREDUCE_DATANODE_MAP ?? ''),
    ...(delegationToken ? { delegationToken } : {}),
    ...(options.tls ? { tls: options.tls } : {}),
  }
}

/**
 * Reads `host=address:port,...`, as `--datanode-map` and its environment variable have it.
 * @throws UsageError
 */
export function dataNodeMapOf(text: string): Record<string, string> {
  const map: Record<string, string> = {}
  for (const entry of text.split(',').filter((each) => each.trim() !== '')) {
    const [host, address, ...rest] = entry.trim().split('=')
    if (!host || !address || rest.length > 0) {
      throw new UsageError(`Cannot read the DataNode map: "${entry}" is not of the form host=address:port`)
    }
    map[host] = address
  }
  return map
}
