import { spawn } from 'node:child_process'

export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  /** The exit code; 128 and the signal's number when a signal ended it, as in a shell. */
  readonly code: number
}

export interface CommandOptions {
  /** Added to this process's own environment. */
  environment?: Readonly<Record<string, string>>
  /** Written to standard input, which is then closed. @default nothing */
  input?: string | Uint8Array
  /** Kills the command. */
  signal?: AbortSignal
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

/** Runs a program to its end. A failing exit code is a result; only a program that can't be started throws. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      killSignal: 'SIGKILL',
      ...(options.signal && { signal: options.signal }),
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.stdin.on('error', () => {}) // a program may end without reading its input
    child.stdin.end(options.input)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      resolve({
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
        code: code ?? 128 + (signalNumbers[signal!] ?? 0),
      })
    })
  })
}
