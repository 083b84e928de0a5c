import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../errors.js'

const FILES = ['core-site.xml', 'hdfs-site.xml']
const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** What Hadoop's site files say: only as much of it as it takes to find an HDFS over WebHDFS. */
export class HadoopConfiguration {
  constructor(
    private readonly properties: ReadonlyMap<string, string>,
    /** Where it was read from, for messages; undefined where there was nothing to read. */
    readonly folder?: string,
  ) {}

  /** A property with its `${variables}` filled in from other properties. */
  get(name: string, depth = 0): string | undefined {
    const value = this.properties.get(name)
    if (value === undefined || depth > 20) return value
    return value.replace(/\$\{([^}]+)\}/g, (whole, other: string) => this.get(other, depth + 1) ?? whole)
  }

  /**
   * The `webhdfs://` or `swebhdfs://` URI of an `hdfs://` one: of a name service all its NameNodes, else the
   * host with the port of its web server. Also expands the name of a name service in a `webhdfs://` URI; any
   * other URI comes back as it is.
   * @throws UsageError when the configuration doesn't say where a name service is.
   */
  webHdfsUri(uri: string): string {
    const match = /^(s?webhdfs|hdfs):\/\/(?:([^@/]*)@)?([^/]*)(.*)$/is.exec(uri)
    if (!match) return uri
    const [, scheme, user, authority, path] = match as unknown as [string, string, string?, string?, string?]
    if (scheme.toLowerCase() !== 'hdfs' && !this.nameServices().includes(authority!)) return uri
    const name = authority || this.defaultAuthority(uri)
    // What the default file system stands for may be WebHDFS already.
    if (name.includes('://')) return name.replace(/\/*$/, '') + path
    const secure = scheme.toLowerCase() === 'swebhdfs' || this.get('dfs.http.policy') === 'HTTPS_ONLY'
    const nameNodes = this.nameServices().includes(name)
      ? this.nameNodesOf(name, secure, uri)
      : [this.webAddressOf(name, secure)]
    const who = user === undefined ? '' : `${user}@`
    return `${secure ? 'swebhdfs' : 'webhdfs'}://${who}${nameNodes.join(',')}${path}`
  }

  private defaultAuthority(uri: string): string {
    const defaultFs = this.get('fs.defaultFS') ?? this.get('fs.default.name') ?? ''
    const match = /^(s?webhdfs|hdfs):\/\/([^/]+)/i.exec(defaultFs)
    if (!match) {
      throw new UsageError(`Cannot open ${uri}: it names no host, and ${this.where()} no fs.defaultFS`)
    }
    return match[1]!.toLowerCase() === 'hdfs' ? match[2]! : match[0]
  }

  private nameServices(): string[] {
    return listOf(this.get('dfs.nameservices'))
  }

  private nameNodesOf(service: string, secure: boolean, uri: string): string[] {
    const key = `dfs.namenode.${secure ? 'https' : 'http'}-address.${service}`
    const nameNodes = listOf(this.get(`dfs.ha.namenodes.${service}`))
    const keys = nameNodes.length > 0 ? nameNodes.map((nameNode) => `${key}.${nameNode}`) : [key]
    return keys.map((each) => {
      const address = this.get(each)
      if (address === undefined) throw new UsageError(`Cannot open ${uri}: ${this.where()} no ${each}`)
      return address
    })
  }

  /** The web server beside a NameNode's RPC port. */
  private webAddressOf(authority: string, secure: boolean): string {
    const host = authority.replace(/:\d+$/, '')
    const configured = this.get(`dfs.namenode.${secure ? 'https' : 'http'}-address`)
    const [, itsHost, itsPort] = /^(.*):(\d+)$/.exec(configured ?? '') ?? []
    const isItsOwn = itsHost === host || itsHost === '0.0.0.0' || itsHost === ''
    return `${host}:${itsPort && isItsOwn ? itsPort : secure ? '9871' : '9870'}`
  }

  private where(): string {
    return this.folder === undefined
      ? 'there is no configuration (HADOOP_CONF_DIR), so'
      : `the configuration in ${this.folder} has`
  }
}

/**
 * Reads core-site.xml and hdfs-site.xml from HADOOP_CONF_DIR, else from where Hadoop is installed
 * (HADOOP_HOME/etc/hadoop, /etc/hadoop/conf). Empty where there are none.
 * @throws UsageError when HADOOP_CONF_DIR is set and holds neither.
 */
export function loadHadoopConfiguration(environment: NodeJS.ProcessEnv = process.env): HadoopConfiguration {
  const { HADOOP_CONF_DIR, HADOOP_HOME } = environment
  const usual = [...(HADOOP_HOME ? [join(HADOOP_HOME, 'etc/hadoop')] : []), '/etc/hadoop/conf']
  const folders = HADOOP_CONF_DIR ? [HADOOP_CONF_DIR] : usual
  const folder = folders.find((each) => FILES.some((file) => existsSync(join(each, file))))
  if (folder === undefined) {
    if (!HADOOP_CONF_DIR) return new HadoopConfiguration(new Map())
    throw new UsageError(
      `Cannot read Hadoop's configuration: HADOOP_CONF_DIR is ${HADOOP_CONF_DIR}, which has no ${FILES.join(' or ')}`,
    )
  }
  const properties = new Map<string, string>()
  for (const file of FILES) {
    const path = join(folder, file)
    if (!existsSync(path)) continue
    for (const [name, value] of propertiesIn(readFileSync(path, 'utf8'))) properties.set(name, value)
  }
  return new HadoopConfiguration(properties, folder)
}

/** `<property><name>...</name><value>...</value></property>`, in any number, in the order of the text. */
export function* propertiesIn(xml: string): Generator<[name: string, value: string]> {
  const text = xml.replace(/<!--[\s\S]*?-->/g, '')
  for (const [, property] of text.matchAll(/<property\b[^>]*>([\s\S]*?)<\/property>/g)) {
    const name = /<name>([\s\S]*?)<\/name>/.exec(property!)?.[1]
    const value = /<value>([\s\S]*?)<\/value>/.exec(property!)?.[1]
    if (name !== undefined && value !== undefined) yield [decoded(name), decoded(value)]
  }
}

function decoded(text: string): string {
  return text
    .replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, (_, raw: string) => raw.replace(/&/g, '&amp;'))
    .replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
      if (name) return ENTITIES[name] ?? whole
      return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16))
    })
    .trim()
}

function listOf(value: string | undefined): string[] {
  return (value ?? '').split(',').flatMap((each) => each.trim() || [])
}
