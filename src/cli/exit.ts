import { CommanderError } from 'commander'
import { describeError, KilledError, PixelreduceError, UsageError } from '../errors.js'

export const EXIT = { done: 0, failed: 1, usage: 2, quarantined: 3 } as const

/**
 * Runs a command and sets the process's exit code: 0 done, 1 failed, 2 usage, 3 done with records
 * quarantined, 128 and the signal's number when a signal ended it. Errors are told in one line.
 *
 * @param name the command, for messages
 * @param command returns the exit code; its signal fires on Ctrl-C and on SIGTERM
 */
export async function runCommand(
  name: string,
  command: (signal: AbortSignal) => Promise<number>,
): Promise<void> {
  const stop = new AbortController()
  let signalCode: number | undefined
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.on(signal, () => {
      // Whoever asks a second time does not want to wait for the clean-up.
      if (signalCode !== undefined) process.exit(128 + number)
      signalCode = 128 + number
      process.stderr.write(`${name}: ${signal}: cleaning up; once more to leave at once\n`)
      stop.abort(new KilledError(`Cannot go on: ${signal} was received`))
    })
  }
  // `pixelreduce ls | head` closes the pipe when it has enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  try {
    process.exitCode = await command(stop.signal)
  } catch (error) {
    process.exitCode = signalCode ?? report(name, error)
  }
  // What sharp or a thread still holds must not keep a finished command from ending.
  await flushed()
  process.exit()
}

function report(name: string, error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  const verbose = process.argv.includes('--verbose')
  process.stderr.write(`${name}: ${describeError(error)}\n`)
  if (verbose) process.stderr.write(`${stackOf(error)}\n`)
  else if (!(error instanceof PixelreduceError)) {
    process.stderr.write(`${name}: this is a defect of pixelreduce; --verbose shows where it happened\n`)
  }
  return error instanceof UsageError ? EXIT.usage : EXIT.failed
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}

async function flushed(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve))
  }
}
