import type { ChildProcess } from 'node:child_process'

/** How a child has ended, in words, when all that it sent was read: a signal, an exit code, why it did not start. */
export function childEnd(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(error.message)
    })
    child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
}

/** In a child: Ctrl-C goes to all processes of a terminal, and the parent ends this one when it is time. */
export function leaveSignalsToParent(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
}
