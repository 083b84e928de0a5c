import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Daemon, temporaryFolder } from './daemon.js'
import { freePorts } from './free-ports.js'
import { hadoopClasspath } from './hadoop/jars.js'
import { type JavaOptions, javaTool } from './hadoop/java.js'
import { type CommandOptions, type CommandResult, runCommand } from './run-command.js'
import { waitUntil } from './wait-until.js'

export interface HdfsOptions {
  /** @default 2 */
  dataNodes?: number
  /** Bytes of a block, a multiple of 512, at least 65536. @default 1 MiB */
  blockSize?: number
  /** Further properties of hdfs-site.xml. */
  properties?: Readonly<Record<string, string>>
}

/** Where a running HDFS is found: plain data, so that vitest can provide it to test files. */
export interface HdfsAddress {
  /** `webhdfs://user@127.0.0.1:port`, for pixelreduce; the user is HDFS's superuser. */
  readonly webhdfsUri: string
  /** `hdfs://127.0.0.1:port`, for Java. */
  readonly fsUri: string
  /** `http://127.0.0.1:port`, the NameNode's HTTP server: `/webhdfs/v1`, `/jmx`. */
  readonly httpUri: string
  /** The superuser, whoever runs the tests. */
  readonly user: string
  /** The folder of core-site.xml and hdfs-site.xml. */
  readonly configuration: string
}

/** What can be asked of a running HDFS from any process. */
export interface HdfsClient extends HdfsAddress {
  /** Runs a Java program that finds this HDFS as its default file system, as the superuser. */
  javaTool(mainClass: string, args: readonly string[], options?: JavaOptions): Promise<CommandResult>
  /** Runs `hdfs dfs` with these arguments, as the superuser. */
  fsShell(args: readonly string[], options?: CommandOptions): Promise<CommandResult>
  /** @throws Error when the NameNode refuses. */
  safemode(state: 'on' | 'off'): Promise<void>
  /** Limits a folder; null lifts a limit. @throws Error when the NameNode refuses. */
  setQuota(folder: string, quota: { names?: number | null; spaceBytes?: number | null }): Promise<void>
  /** Waits until the NameNode counts so many live DataNodes; it takes 12 s to miss one that was killed. */
  waitForLiveDataNodes(count: number): Promise<void>
}

export interface HdfsDaemon {
  readonly running: boolean
  /** Sends a signal and waits for the process to end. @default SIGKILL */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again with the same data and ports, and waits until it serves. */
  start(): Promise<void>
}

export interface HdfsDataNode extends HdfsDaemon {
  readonly httpPort: number
  /** Where the DataNode keeps its blocks. */
  readonly folder: string
}

export interface Hdfs extends HdfsClient {
  readonly nameNode: HdfsDaemon
  readonly dataNodes: readonly HdfsDataNode[]
  readonly address: HdfsAddress
  /** Kills all processes and removes all data. */
  stop(): Promise<void>
}

const superuser = 'pixelreduce'
const daemonFlags = [
  '-Xmx512m',
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Djava.net.preferIPv4Stack=true',
]
const shellFlags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

const log4j = `log4j.rootLogger=INFO,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
`

/** Starts a NameNode and DataNodes, each a process of its own, and waits until files can be written. */
export async function startHdfs(options: HdfsOptions = {}): Promise<Hdfs> {
  const { dataNodes: dataNodeCount = 2, blockSize = 1 << 20, properties = {} } = options
  const classpath = await hadoopClasspath()
  const folder = await temporaryFolder('hdfs')
  const [rpcPort, httpPort, ...dataPorts] = await freePorts(2 + 3 * dataNodeCount)
  const address: HdfsAddress = {
    webhdfsUri: `webhdfs://${superuser}@127.0.0.1:${httpPort}`,
    fsUri: `hdfs://127.0.0.1:${rpcPort}`,
    httpUri: `http://127.0.0.1:${httpPort}`,
    user: superuser,
    configuration: path.join(folder.path, 'conf'),
  }
  const log4jFile = path.join(folder.path, 'log4j.properties')
  await mkdir(address.configuration)
  await writeFile(log4jFile, log4j)
  await writeSite(address, 'core-site.xml', {
    'fs.defaultFS': address.fsUri,
    'hadoop.tmp.dir': path.join(folder.path, 'tmp'),
  })
  await writeSite(address, 'hdfs-site.xml', {
    'dfs.replication': String(Math.min(2, dataNodeCount)),
    'dfs.blocksize': String(blockSize),
    'dfs.namenode.fs-limits.min-block-size': '65536',
    'dfs.namenode.name.dir': `file://${folder.path}/name`,
    'dfs.namenode.http-address': `127.0.0.1:${httpPort}`,
    'dfs.namenode.safemode.extension': '0',
    'dfs.namenode.datanode.registration.ip-hostname-check': 'false',
    'dfs.datanode.hostname': '127.0.0.1',
    // A DataNode counts as dead after 2 rechecks and 10 heartbeats: 12 s instead of ten minutes and a half.
    'dfs.heartbeat.interval': '1',
    'dfs.namenode.heartbeat.recheck-interval': '1000',
    'dfs.namenode.stale.datanode.interval': '3000',
    'dfs.namenode.redundancy.interval.seconds': '1',
    ...properties,
  })

  const javaArgs = (mainClass: string, args: readonly string[] = []) => [
    ...daemonFlags,
    `-Dlog4j.configuration=file:${log4jFile}`,
    '-cp',
    [address.configuration, classpath].join(path.delimiter),
    mainClass,
    ...args,
  ]
  const environment = { HADOOP_USER_NAME: superuser, HADOOP_LOG_DIR: folder.path }
  const daemon = (name: string, args: readonly string[]) =>
    new Daemon({ program: 'java', args, environment, logFile: path.join(folder.path, `${name}.log`) })

  const nameNodeClass = 'org.apache.hadoop.hdfs.server.namenode.NameNode'
  const nameNodeDaemon = daemon('namenode', javaArgs(nameNodeClass))
  const dataNodeDaemons: Daemon[] = []
  const client = connectHdfs(address)

  const nameNode: HdfsDaemon = {
    get running() {
      return nameNodeDaemon.running
    },
    kill: (signal) => nameNodeDaemon.kill(signal),
    async start() {
      await nameNodeDaemon.start()
      await waitFor(nameNodeDaemon, 'the NameNode serves', async () => {
        const state = await nameSystemState(address)
        const running = dataNodeDaemons.filter((dataNode) => dataNode.running).length
        // Without all DataNodes blocks may be missing, and then it's right to stay in safe mode.
        const mayBeSafe = running < dataNodeCount
        return state.NumLiveDataNodes >= running && (mayBeSafe || state.FSState === 'Operational')
      })
    },
  }

  const dataNodes = Array.from({ length: dataNodeCount }, (_, i): HdfsDataNode => {
    const [transferPort, dataHttpPort, ipcPort] = dataPorts.slice(3 * i, 3 * i + 3)
    const dataFolder = path.join(folder.path, `data-${i}`)
    const settings = {
      'dfs.datanode.data.dir': `file://${dataFolder}`,
      'dfs.datanode.address': `127.0.0.1:${transferPort}`,
      'dfs.datanode.http.address': `127.0.0.1:${dataHttpPort}`,
      'dfs.datanode.ipc.address': `127.0.0.1:${ipcPort}`,
      // DataNodes start beside the NameNode, so their first calls find no one.
      'ipc.client.connect.retry.interval': '100',
      'ipc.client.connect.max.retries': '600',
    }
    const args = Object.entries(settings).flatMap(([name, value]) => ['-D', `${name}=${value}`])
    const process = daemon(`datanode-${i}`, javaArgs('org.apache.hadoop.hdfs.server.datanode.DataNode', args))
    dataNodeDaemons.push(process)
    return {
      httpPort: dataHttpPort!,
      folder: dataFolder,
      get running() {
        return process.running
      },
      kill: (signal) => process.kill(signal),
      async start() {
        const startedMs = performance.now()
        await process.start()
        await waitFor(process, `DataNode ${i} serves`, () =>
          hasReported(`http://127.0.0.1:${dataHttpPort}`, performance.now() - startedMs),
        )
      },
    }
  })

  async function stop(): Promise<void> {
    await Promise.all([nameNodeDaemon, ...dataNodeDaemons].map((process) => process.kill()))
    await folder.remove()
  }

  try {
    const formatting = runCommand('java', javaArgs(nameNodeClass, ['-format', '-nonInteractive']), {
      environment,
    })
    const dataNodesServe = Promise.all(dataNodes.map((dataNode) => dataNode.start()))
    dataNodesServe.catch(() => {}) // awaited below
    const formatted = await formatting
    if (formatted.code !== 0)
      throw new Error(`Cannot format HDFS: code ${formatted.code}\n${formatted.stderr.slice(-4000)}`)
    await nameNode.start()
    await dataNodesServe
  } catch (error) {
    await stop()
    throw error
  }
  return { ...client, address, nameNode, dataNodes, stop }
}

/** Speaks to an HDFS that runs already, such as the one of the whole test run. */
export function connectHdfs(address: HdfsAddress): HdfsClient {
  const tool: HdfsClient['javaTool'] = (mainClass, args, options = {}) =>
    javaTool(mainClass, args, {
      configuration: address.configuration,
      ...options,
      environment: { HADOOP_USER_NAME: superuser, ...options.environment },
    })
  const administer = async (...args: string[]) => {
    const result = await tool('org.apache.hadoop.hdfs.tools.DFSAdmin', args, { jvmFlags: shellFlags })
    if (result.code !== 0) throw new Error(`Cannot run dfsadmin ${args.join(' ')}: ${result.stderr.trim()}`)
  }
  return {
    ...address,
    javaTool: tool,
    fsShell: (args, options) =>
      tool('org.apache.hadoop.fs.FsShell', args, { jvmFlags: shellFlags, ...options }),
    safemode: (state) => administer('-safemode', state === 'on' ? 'enter' : 'leave'),
    async setQuota(folder, { names, spaceBytes }) {
      if (names !== undefined)
        await administer(...(names === null ? ['-clrQuota'] : ['-setQuota', String(names)]), folder)
      if (spaceBytes !== undefined) {
        await administer(
          ...(spaceBytes === null ? ['-clrSpaceQuota'] : ['-setSpaceQuota', String(spaceBytes)]),
          folder,
        )
      }
    },
    waitForLiveDataNodes: (count) =>
      waitUntil(
        `${count} live DataNodes`,
        async () => (await nameSystemState(address)).NumLiveDataNodes === count,
      ),
  }
}

function waitFor(daemon: Daemon, what: string, condition: () => Promise<boolean>): Promise<void> {
  const describe = () => daemon.logTail()
  const runsAndHolds = async () => {
    await daemon.mustRun()
    return condition()
  }
  return waitUntil(what, runsAndHolds, { deadlineMs: 120_000, describe })
}

interface NameSystemState {
  FSState: 'Operational' | 'safeMode'
  NumLiveDataNodes: number
}

async function nameSystemState(address: HdfsAddress): Promise<NameSystemState> {
  return jmx<NameSystemState>(address.httpUri, 'Hadoop:service=NameNode,name=FSNamesystemState')
}

/** Whether a DataNode has registered and, within its life, told the NameNode its blocks. */
async function hasReported(httpUri: string, ageMs: number): Promise<boolean> {
  const info = await jmx<{ BPServiceActorInfo: string }>(httpUri, 'Hadoop:service=DataNode,name=DataNodeInfo')
  const actors = JSON.parse(info.BPServiceActorInfo) as { ActorState: string; LastBlockReport: string }[]
  // Before the first report the seconds "since the last one" count from the machine's boot.
  const reported = (actor: { LastBlockReport: string }) => Number(actor.LastBlockReport) * 1000 <= ageMs
  return actors.length > 0 && actors.every((actor) => actor.ActorState === 'RUNNING' && reported(actor))
}

async function jmx<T>(httpUri: string, bean: string): Promise<T> {
  const response = await fetch(`${httpUri}/jmx?qry=${bean}`, { signal: AbortSignal.timeout(5000) })
  const { beans } = (await response.json()) as { beans: T[] }
  if (beans[0] === undefined) throw new Error(`Cannot ask ${httpUri}: it has no bean ${bean} yet`)
  return beans[0]
}

async function writeSite(
  address: HdfsAddress,
  file: string,
  properties: Record<string, string>,
): Promise<void> {
  const lines = Object.entries(properties).map(
    ([name, value]) => `  <property><name>${name}</name><value>${value}</value></property>\n`,
  )
  await writeFile(
    path.join(address.configuration, file),
    `<configuration>\n${lines.join('')}</configuration>\n`,
  )
}
