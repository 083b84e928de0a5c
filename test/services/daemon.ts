import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { GoneError } from './wait-until.js'

/*
 * Nothing may stay behind, even when the test process is killed with SIGKILL and runs no handler at all. The
 * one thing that is sure to happen then is that the kernel closes its pipes. So beside each daemon, in its
 * process group, a watcher reads a pipe from us; at its end it kills the group. The shell starts the watcher
 * and then becomes the daemon (exec), so the process id we know is the daemon's own and takes its signals.
 * While the watcher lives, the kernel does not give the group's number to anyone else.
 */
const daemonScript =
  'exec 3<&0; (cat <&3 >/dev/null; kill -KILL 0) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'

/* Daemons that are being killed may still create a file, so the folder is removed more than once. */
const folderScript = 'cat >/dev/null; for i in 1 2 3 4 5; do rm -rf "$1"; sleep 0.2; done'

export interface DaemonCommand {
  program: string
  args: readonly string[]
  environment?: Readonly<Record<string, string>>
  /** Takes standard output and standard error, and is appended to. */
  logFile: string
}

/** A server process that can be killed and started again, and that ends with this process in any case. */
export class Daemon {
  readonly #command: DaemonCommand
  #child: ChildProcess | undefined

  constructor(command: DaemonCommand) {
    this.#command = command
  }

  /** @throws Error when it runs already. */
  async start(): Promise<void> {
    if (this.#child)
      throw new Error(`Cannot start ${this.#command.program}: it runs as process ${this.#child.pid}`)
    const { program, args, environment, logFile } = this.#command
    const log = openSync(logFile, 'a')
    const child = spawn('sh', ['-c', daemonScript, 'daemon', program, ...args], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', log, log],
      detached: true,
    })
    closeSync(log)
    child.once('exit', () => {
      killGroup(child)
      if (this.#child === child) this.#child = undefined
    })
    await once(child, 'spawn')
    this.#child = child
    // A child must not keep a test process alive that has nothing else to do.
    child.unref()
    ;(child.stdin as unknown as { unref(): void }).unref()
  }

  get running(): boolean {
    return this.#child !== undefined
  }

  get processId(): number | undefined {
    return this.#child?.pid
  }

  /** Sends a signal and waits for the end; SIGSTOP and SIGCONT are only sent. Nothing happens when it's down. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (!child) return
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') {
      child.kill(signal)
      return
    }
    const ended = once(child, 'exit')
    child.ref()
    child.kill(signal)
    await ended
  }

  /** Sends a signal that ends nothing, such as SIGSTOP, to the process and to those that it has started. */
  signalGroup(signal: NodeJS.Signals): void {
    if (this.#child) process.kill(-this.#child.pid!, signal)
  }

  /** For conditions: @throws GoneError with the end of the log when the process has ended. */
  async mustRun(): Promise<void> {
    if (this.#child) return
    throw new GoneError(`${path.basename(this.#command.logFile, '.log')} has ended\n${await this.logTail()}`)
  }

  async logTail(bytes = 4000): Promise<string> {
    const log = await readFile(this.#command.logFile, 'utf8').catch(() => '')
    return log.slice(-bytes)
  }
}

/** A new folder under the system's temporary one. It ends with `remove`, or with this process. */
export async function temporaryFolder(prefix: string): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), `pixelreduce-${prefix}-`))
  const guard = spawn('sh', ['-c', folderScript, 'guard', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  await once(guard, 'spawn')
  guard.unref()
  ;(guard.stdin as unknown as { unref(): void }).unref()
  return {
    path: folder,
    async remove() {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
      killGroup(guard)
    },
  }
}

/** Ends what is left of a child's process group: the watcher, which would wait for us otherwise. */
function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
