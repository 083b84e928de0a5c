import { resolve as resolvePath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UnsupportedError, UsageError } from '../errors.js'
import type { FileSystem } from './file-system.js'
import { loadHadoopConfiguration } from './hadoop-configuration.js'
import { LocalFileSystem } from './local/local-file-system.js'
import { WebHdfsFileSystem } from './webhdfs/webhdfs-file-system.js'
import { parseWebHdfsUri, rootOf, type WebHdfsAddress } from './webhdfs/webhdfs-uri.js'

/** A place: a file system and an absolute path in it. */
export interface Location {
  readonly fs: FileSystem
  readonly path: string
}

const local = new LocalFileSystem()
/** One for each place and user, so that their connections and what they remember are shared. */
const webHdfs = new Map<string, WebHdfsFileSystem>()

/**
 * The place that a URI names: a plain path (relative to the working directory), `file:///path`, or the
 * scheme of another file system.
 * @throws UsageError when it is empty or no URI; UnsupportedError when nothing serves its scheme.
 */
export function resolveUri(uri: string): Location {
  if (uri === '') throw new UsageError('Cannot open "": the path is empty')
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(uri)?.[1]?.toLowerCase()
  if (scheme === undefined) return { fs: local, path: withoutTrailingSlash(resolvePath(uri)) }
  const hdfs = hdfsAddressOf(uri)
  if (hdfs) return resolveWebHdfs(hdfs)
  if (scheme !== 'file') {
    const served = 'file://, webhdfs://, swebhdfs:// and hdfs:// are'
    throw new UnsupportedError(`Cannot open ${uri}: no file system serves ${scheme}://; ${served}`)
  }
  try {
    return { fs: local, path: withoutTrailingSlash(fileURLToPath(uri)) }
  } catch (error) {
    throw new UsageError(`Cannot open ${uri}: it is no file URI such as file:///data/photos`, {
      cause: error,
    })
  }
}

/**
 * Whom a URI of HDFS asks, and for which path; undefined for a URI of another file system.
 * @throws UsageError when it is no URI, or the configuration doesn't say where it leads.
 */
export function hdfsAddressOf(uri: string): { address: WebHdfsAddress; path: string } | undefined {
  if (!/^(s?webhdfs|hdfs):\/\//i.test(uri)) return undefined
  // Only an RPC address or a name without a port takes the configuration to be understood.
  const isName = /^(hdfs:|s?webhdfs:\/\/([^@/]*@)?[^:,/]+(\/|$))/i.test(uri)
  return parseWebHdfsUri(isName ? loadHadoopConfiguration().webHdfsUri(uri) : uri)
}

function resolveWebHdfs({ address, path }: { address: WebHdfsAddress; path: string }): Location {
  const key = `${rootOf(address)} ${address.user}`
  let fs = webHdfs.get(key)
  if (!fs) {
    fs = new WebHdfsFileSystem(address)
    webHdfs.set(key, fs)
  }
  return { fs, path }
}

/** A place as the user would write it: local ones as plain paths. Read back by {@link resolveUri}. */
export function uriOf({ fs, path }: Location): string {
  return fs === local ? path : fs.root + path
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
