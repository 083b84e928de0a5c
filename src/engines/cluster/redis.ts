import { Redis, type RedisOptions } from 'ioredis'
import { ConnectionError, describeError, UsageError } from '../../errors.js'
import { PATIENCE_MS } from './patience.js'

/** The Redis that coordinates a fleet, and the name under which the fleet keeps its keys. */
export interface FleetAddress {
  /** `redis://[user:password@]host[:6379][/db]`, `rediss://` for TLS, `redis+sentinel://host:26379,.../name` */
  redis: string
  /** What all keys and channels of the fleet begin with. @default 'pixelreduce' */
  fleet?: string
}

const DEFAULT_PORT = 6379
const DEFAULT_SENTINEL_PORT = 26379

/** Longest wait between two tries to reach Redis; each is drawn at random, so that a fleet does not come at once. */
const MOST_RETRY_MS = 2000

/** Time for the first connection of a command, after which it says that Redis is not there. */
const CONNECT_MS = 5000

/**
 * A connection that is kept up: commands wait while Redis is away.
 * @throws UsageError for a URI that names no Redis.
 */
export function openRedis(uri: string, options: RedisOptions = {}): Redis {
  const redis = new Redis({
    ...redisOptions(uri),
    maxRetriesPerRequest: null,
    // What is sent in one turn goes in one write.
    enableAutoPipelining: true,
    connectTimeout: CONNECT_MS,
    // A connection whose other end is gone without a word shows in seconds, not in a quarter of an hour.
    keepAlive: 1000,
    // And one that takes commands and answers none.
    socketTimeout: PATIENCE_MS,
    retryStrategy: (times) => Math.random() * Math.min(MOST_RETRY_MS, 50 * 2 ** Math.min(times, 10)),
    ...options,
  })
  // Each failure is followed by another try; who waits for an answer has a limit of its own.
  redis.on('error', () => {})
  return redis
}

/**
 * Waits until Redis answers.
 * @throws ConnectionError when it doesn't in time; AuthenticationError's words come from Redis.
 */
export async function requireRedis(redis: Redis, uri: string): Promise<void> {
  let last: unknown
  const onError = (error: unknown) => {
    last = error
  }
  redis.on('error', onError)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(last ?? new Error(`no answer within ${CONNECT_MS / 1000} s`)), CONNECT_MS)
  })
  try {
    await Promise.race([redis.ping(), late])
  } catch (error) {
    redis.disconnect()
    throw new ConnectionError(`Cannot reach Redis at ${withoutPassword(uri)}: ${describeError(error)}`, {
      cause: error,
      retriable: true,
    })
  } finally {
    clearTimeout(timer)
    redis.off('error', onError)
  }
}

/** Ends a connection when what was sent is answered, or at once where Redis is away. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await redis.quit().catch(() => {})
  redis.disconnect()
}

/** A URI as it may be shown. */
export function withoutPassword(uri: string): string {
  return uri.replace(/:[^:@/]*@/, ':***@')
}

/** What ioredis is told of a URI. @throws UsageError */
export function redisOptions(uri: string): RedisOptions {
  const match = /^(redis|rediss)(\+sentinel)?:\/\/(?:([^@/]*)@)?([^/?]+)(?:\/([^/?]*))?(?:\/(\d+))?$/.exec(
    uri,
  )
  if (!match) throw refused(uri)
  const [, scheme, isSentinel, login, hosts, first = '', second] = match
  const servers = hosts!
    .split(',')
    .map((each) => serverOf(each, isSentinel ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT))
  const [user, password] = (login ?? '').split(':').map(decodeURIComponent)
  const common: RedisOptions = {
    ...(user ? { username: user } : {}),
    ...(password === undefined ? {} : { password }),
    ...(scheme === 'rediss' ? { tls: {} } : {}),
  }
  if (isSentinel) {
    if (first === '')
      throw refused(uri, 'the name of the master is missing, as in redis+sentinel://host:26379/mymaster')
    return {
      ...common,
      sentinels: servers,
      name: first,
      db: Number(second ?? 0),
      ...(scheme === 'rediss' ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
    }
  }
  if (servers.length !== 1 || !/^\d*$/.test(first)) throw refused(uri)
  return { ...common, ...servers[0]!, db: Number(first || 0) }
}

function serverOf(text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text)
  if (!match) throw refused(text)
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port: Number(match[2] ?? defaultPort) }
}

function refused(uri: string, why = 'it is no URI such as redis://host:6379'): UsageError {
  return new UsageError(`Cannot use ${withoutPassword(uri)} as Redis: ${why}`)
}
