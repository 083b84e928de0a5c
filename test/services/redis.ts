import { once } from 'node:events'
import { connect } from 'node:net'
import path from 'node:path'
import { Daemon, temporaryFolder } from './daemon.js'
import { freePorts } from './free-ports.js'
import { requireProgram } from './require-program.js'
import { waitUntil } from './wait-until.js'

export interface RedisOptions {
  /** Keep every write across a kill. @default false */
  appendOnly?: boolean
}

export interface Redis {
  readonly port: number
  readonly url: string
  readonly running: boolean
  /** Sends a signal and waits for the process to end. @default SIGKILL */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again on the same port, and waits until it answers. */
  start(): Promise<void>
  /** Kills it and removes its data. */
  stop(): Promise<void>
}

export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const { appendOnly = false } = options
  await requireProgram('redis-server', 'redis-server')
  const folder = await temporaryFolder('redis')
  const [port] = await freePorts(1)
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    dir: folder.path,
    save: '',
    // BullMQ's demand: a key that is thrown out is a task that is lost.
    'maxmemory-policy': 'noeviction',
    appendonly: appendOnly ? 'yes' : 'no',
    appendfsync: 'always',
  }
  const daemon = new Daemon({
    program: 'redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    logFile: path.join(folder.path, 'redis.log'),
  })

  async function start(): Promise<void> {
    await daemon.start()
    const answers = async () => {
      await daemon.mustRun()
      return (await redisCommand(port!, 'PING')) === '+PONG'
    }
    await waitUntil('Redis answers', answers, {
      deadlineMs: 30_000,
      intervalMs: 10,
      describe: () => daemon.logTail(),
    })
  }

  async function stop(): Promise<void> {
    await daemon.kill()
    await folder.remove()
  }

  try {
    await start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    port: port!,
    url: `redis://127.0.0.1:${port}`,
    get running() {
      return daemon.running
    },
    kill: (signal) => daemon.kill(signal),
    start,
    stop,
  }
}

/** Sends one inline command and returns the first line of the answer; tests of queues use a real client. */
export async function redisCommand(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  try {
    socket.setTimeout(5000, () => socket.destroy(new Error(`Redis does not answer to ${command}`)))
    socket.write(`${command}\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return answer.toString().split('\r\n')[0]!
  } finally {
    socket.destroy()
  }
}
