import type { IncomingMessage } from 'node:http'
import { PixelreduceError } from '../../errors.js'
import type { Finding } from '../finding.js'
import { answerOf, errorOf, type HttpConnections } from './http-connection.js'
import { NameNodes } from './name-nodes.js'
import type { Doing } from './remote-error.js'
import { responseBody } from './response-body.js'
import { rootOf, type WebHdfsAddress } from './webhdfs-uri.js'

/** Clocks further apart than this are a failure: tokens and Kerberos tickets are refused soon after. */
const MOST_SKEW_MS = 60_000
/** A `Date` header is cut to the second. */
const DATE_HEADER_MS = 1000

/** What to do about safe mode. */
export const SAFE_MODE_FIX =
  'run "hdfs dfsadmin -safemode leave" if it was turned on by hand; else wait until enough DataNodes have reported, and see "hdfs fsck /" if it does not end'

/** What came of asking one NameNode for its root folder. */
export interface NameNodeProbe {
  /** `host:port` */
  readonly host: string
  readonly state: 'active' | 'standby' | 'failed'
  readonly elapsedMs: number
  /** What it said, unless it is active. */
  readonly error: PixelreduceError | undefined
  /** How far its clock is ahead of this machine's; undefined where it sent no date. */
  readonly skewMs: number | undefined
  /** For all further questions to it alone. */
  readonly nameNodes: NameNodes
}

/** Asks one NameNode (or HttpFS). Fails only with the signal's reason. */
export async function probeNameNode(
  host: string,
  address: WebHdfsAddress,
  connections: HttpConnections,
  signal?: AbortSignal,
): Promise<NameNodeProbe> {
  const nameNodes = new NameNodes({ ...address, nameNodes: [host] }, rootOf(address), connections)
  const doing = nameNodes.doing('look at', '/')
  let skewMs: number | undefined
  let startedMs = performance.now()
  const outcome = (state: NameNodeProbe['state'], error?: PixelreduceError): NameNodeProbe => {
    const elapsedMs = Math.round(performance.now() - startedMs)
    return { host, state, elapsedMs, nameNodes, error, skewMs }
  }
  try {
    await nameNodes.withActive(
      async (nameNode) => {
        // Only now the package is loaded, which took longer than the answer will.
        startedMs = performance.now()
        const sentMs = Date.now()
        const request = connections.request('GET', nameNode.url('/', { op: 'GETFILESTATUS' })).end()
        const response = await answerOf(request, doing, connections.settings, signal)
        skewMs = skewOf(response, sentMs)
        if (response.statusCode !== 200) throw await errorOf(response, doing)
        for await (const _ of responseBody(response, doing, connections.settings.idleTimeoutMs, signal));
      },
      signal ? { signal } : {},
    )
    return outcome('active')
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof PixelreduceError)) throw error
    return outcome(error.code === 'STANDBY' ? 'standby' : 'failed', error)
  }
}

/** One line for each NameNode; where another one is active, one that is down is worth a note and no more. */
export function nameNodeFindings(probes: readonly NameNodeProbe[], secure: boolean): Finding[] {
  const active = probes.find(({ state }) => state === 'active')
  return probes.map(({ host, state, elapsedMs, error, nameNodes }) => {
    const check = `NameNode ${host}`
    const role = probes.length > 1 ? `${state}, ` : ''
    if (state === 'active') return { check, ok: true, detail: `${role}answers in ${elapsedMs} ms` }
    if (state === 'standby' && active) return { check, ok: true, detail: 'standby' }
    const detail = stateOf(error!, nameNodes.doing('look at', '/'))
    const fix = nameNodeFix(error!, host, secure)
    if (!active) return { check, ok: false, detail, fix }
    return {
      check,
      ok: true,
      detail,
      note: `${active.host} serves meanwhile, and nobody takes over from it`,
      fix,
    }
  })
}

/** Whether this machine's clock and the NameNode's agree. */
export function clockFinding({ host, skewMs }: NameNodeProbe): Finding {
  const check = 'clock'
  if (skewMs === undefined) return { check, ok: true, note: `not compared: ${host} sends no date` }
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  if (Math.abs(skewMs) <= MOST_SKEW_MS) {
    const apart = seconds <= 1 ? 'at most a second' : `${seconds} s`
    return { check, ok: true, detail: `${apart} from that of ${host}` }
  }
  return {
    check,
    ok: false,
    detail: `this machine is ${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} ${host}, at most ${MOST_SKEW_MS / 1000} s are good`,
    fix: 'let both follow a time server: run "timedatectl set-ntp true" on the one whose time is wrong',
  }
}

/** What an error says is the case, without what was being done: the line names that itself. */
export function stateOf(error: Error, { action, path, root }: Doing): string {
  const prefix = `Cannot ${action} ${path} on ${root}: `
  return error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message
}

/** What to do about a NameNode's refusal or silence. */
export function nameNodeFix(error: PixelreduceError, host: string, secure: boolean): string {
  const { errno, sent } = error.details ?? {}
  const ports = secure
    ? 'dfs.namenode.https-address, usually 9871'
    : 'dfs.namenode.http-address, usually 9870; 8020 and 9000 are for RPC'
  switch (error.code) {
    case 'AUTHENTICATION':
      return 'set HADOOP_TOKEN to a delegation token that is valid, or name a user whom the server takes, as in webhdfs://USER@HOST'
    case 'PERMISSION':
      return 'come as a user who may: webhdfs://USER@HOST, or HADOOP_USER_NAME'
    case 'SAFE_MODE':
      return SAFE_MODE_FIX
    case 'STANDBY':
      return 'make a NameNode active: "hdfs haadmin -getAllServiceState" shows them, "hdfs haadmin -failover" changes them'
    case 'TIMEOUT':
      return sent === false
        ? `correct the address, or open the firewall between this machine and ${host}`
        : `look at the log of the NameNode, or give the port of its web server (${ports})`
    case 'CONNECTION':
      if (errno === 'ENOTFOUND' || errno === 'EAI_AGAIN') {
        return 'correct the host in the URI, or make this machine know it (DNS or /etc/hosts)'
      }
      if (/CERT|SIGNATURE|ISSUER/.test(String(errno))) {
        return "let NODE_EXTRA_CA_CERTS name the file of the cluster's certificate"
      }
      if (errno === 'ECONNREFUSED') return `start the NameNode, or give the port of its web server (${ports})`
      return `give the port of its web server (${ports}), or write ${secure ? 'webhdfs' : 'swebhdfs'}:// if it speaks ${secure ? 'no TLS' : 'TLS'}`
  }
  if (error.details?.status === 404) return `give the port of its web server (${ports})`
  return `look at the log of ${host}`
}

function skewOf(response: IncomingMessage, sentMs: number): number | undefined {
  // Hadoop sends two of them, which a server in between may join.
  const date = /\w{3}, \d{2} \w{3} \d{4} [\d:]{8} GMT/.exec(response.headers.date ?? '')?.[0]
  const theirsMs = Date.parse(date ?? '')
  if (Number.isNaN(theirsMs)) return undefined
  return theirsMs + DATE_HEADER_MS / 2 - (sentMs + Date.now()) / 2
}
