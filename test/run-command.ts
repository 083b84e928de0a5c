import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Outcome {
  code: number | null
  stdout: Buffer
  /** stdout as text. */
  out: string
  stderr: string
}

export interface RunSettings {
  cwd?: string
  env?: Record<string, string>
  /** Called with each piece of stderr, and a way to send a signal. */
  onStderr?(text: string, kill: (signal: NodeJS.Signals) => void): void
}

/** Runs one of the project's own commands, as built, the way a user's shell does. */
export function runBin(
  name: 'run-job' | 'pixelreduce',
  args: string[],
  settings: RunSettings = {},
): Promise<Outcome> {
  const bin = fileURLToPath(new URL(`../dist/bin/${name}.cjs`, import.meta.url))
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: settings.cwd,
    env: { ...process.env, ...settings.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    settings.onStderr?.(text, (signal) => child.kill(signal))
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      const bytes = Buffer.concat(stdout)
      resolve({ code, stdout: bytes, out: bytes.toString('utf8'), stderr })
    })
  })
}

export const runJobCommand = (args: string[], settings?: RunSettings) => runBin('run-job', args, settings)
export const pixelreduce = (args: string[], settings?: RunSettings) => runBin('pixelreduce', args, settings)

/** The lines of NDJSON. */
export function jsonLines<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}
