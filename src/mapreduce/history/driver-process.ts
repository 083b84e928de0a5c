import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { basename } from 'node:path'

/** The process that drives a job. */
export interface DriverProcess {
  host: string
  pid: number
  user: string
  /** Name of the program, such as `run-job.cjs`. */
  program: string
  /** What tells it from a later process with the same number; missing where the system does not say. */
  identity?: string
}

/** The commands that clean up after a job when a signal ends them. */
const OWN_PROGRAMS = /^(run-job|pixelreduce)(\.cjs)?$/

export function thisProcess(): DriverProcess {
  const identity = identityOf(process.pid)
  return {
    host: hostname(),
    pid: process.pid,
    user: userName(),
    program: basename(process.argv[1] ?? 'node'),
    ...(identity === undefined ? {} : { identity }),
  }
}

/** Whether a process still runs; undefined where that can't be told from this machine. */
export function isRunning(driver: DriverProcess): boolean | undefined {
  if (driver.host !== hostname()) return undefined
  try {
    process.kill(driver.pid, 0)
  } catch (error) {
    // Somebody else's process runs as well.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return driver.identity === undefined || driver.identity === identityOf(driver.pid)
}

/** Whether a signal ends the job alone, with its clean-up, and nothing else that the process does. */
export function isOwnProgram({ program }: DriverProcess): boolean {
  return OWN_PROGRAMS.test(program)
}

/** Of Linux the boot and the tick at which the process began, of other systems what `ps` says of its start. */
function identityOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    }
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    // The program's name stands in brackets and may hold spaces and brackets itself.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    return `${boot} ${fields[START_TICK - STATE]}`
  } catch {
    return undefined
  }
}

/** Numbers of fields in /proc/<pid>/stat, counted from 1; the state is the one after the name. */
const STATE = 3
const START_TICK = 22

/** A container's user may have no name. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return process.env.USER ?? String(process.getuid?.() ?? '')
  }
}
