import { userInfo } from 'node:os'
import { UsageError } from '../../errors.js'

/** Where WebHDFS is served and as whom we come. */
export interface WebHdfsAddress {
  readonly secure: boolean
  /** `host:port` of each NameNode (or HttpFS), at least one. */
  readonly nameNodes: readonly string[]
  readonly user: string
  /** Whether the URI itself names the user; then messages and {@link WebHdfsFileSystem.root} do too. */
  readonly userInUri: boolean
}

/** Hadoop 3's ports of the NameNode's web server. */
const DEFAULT_PORT = { webhdfs: 9870, swebhdfs: 9871 }

/**
 * Reads `webhdfs://[user@]host[:port][,host[:port]...]/path`. The path stands as it is: `%`, `#` and `?` are
 * characters of names, as in the arguments of Hadoop's own shell.
 * @throws UsageError
 */
export function parseWebHdfsUri(
  uri: string,
  environment: NodeJS.ProcessEnv = process.env,
): { address: WebHdfsAddress; path: string } {
  const match = /^(s?webhdfs):\/\/(?:([^@/]*)@)?([^/]*)(\/.*)?$/is.exec(uri)
  const scheme = match?.[1]?.toLowerCase() as keyof typeof DEFAULT_PORT | undefined
  const hosts = match?.[3]?.split(',').filter((host) => host !== '') ?? []
  if (!match || !scheme || hosts.length === 0 || match[2] === '' || !hosts.every(isHost)) {
    throw new UsageError(`Cannot open ${uri}: it is no URI such as webhdfs://user@host:9870/photos`)
  }
  const nameNodes = hosts.map((host) => (/:\d+$/.test(host) ? host : `${host}:${DEFAULT_PORT[scheme]}`))
  const userInUri = match[2] !== undefined
  const user = userInUri ? decodeURIComponent(match[2]!) : currentUser(environment)
  return {
    address: { secure: scheme === 'swebhdfs', nameNodes, user, userInUri },
    path: normalPath(match[4] ?? '/'),
  }
}

/** The user whom Hadoop takes where there is no Kerberos: HADOOP_USER_NAME, else the login's name. */
export function currentUser(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.HADOOP_USER_NAME) return environment.HADOOP_USER_NAME
  try {
    return userInfo().username
  } catch (error) {
    // A container may run under a number that has no name.
    throw new UsageError(
      'Cannot tell the user for HDFS: this process has no login name; set HADOOP_USER_NAME or write webhdfs://user@host',
      { cause: error },
    )
  }
}

/** `webhdfs://user@nn1:9870,nn2:9870`. */
export function rootOf({ secure, nameNodes, user, userInUri }: WebHdfsAddress): string {
  const who = userInUri ? `${encodeURIComponent(user)}@` : ''
  return `${secure ? 'swebhdfs' : 'webhdfs'}://${who}${nameNodes.join(',')}`
}

/** A path as it stands in a request: every name percent-encoded on its own. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** One slash between names, none at the end, `.` and `..` resolved (a URL parser would, and differently). */
export function normalPath(path: string): string {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}

function isHost(host: string): boolean {
  return /^(\[[0-9a-f:.]+\]|[^:\s@?#%]+)(:\d{1,5})?$/i.test(host)
}
