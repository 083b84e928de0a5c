import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A job that copies its pictures and, at keys that a test chooses, asks at the test's {@link Gate} before it
 * goes on. The gate is no param: params are part of what the output's bytes follow from.
 */
const GATED_JOB = `import { defineJob } from 'pixelreduce'
export default defineJob({
  name: 'gated',
  async map(image, { emit }) {
    if (process.env.GATE_KEYS?.split(',').includes(image.key)) await fetch(process.env.GATE_URL + image.key)
    await emit(image.key, image.bytes)
  },
})
`

/** What a test does while a record waits. @param from what the record's process says of itself */
export type Errand = (from: URLSearchParams) => Promise<unknown>

/** Where a job waits, record by record, for what a test does meanwhile. */
export class Gate {
  /** What is done while the record waits, by its key; once, however often the record is mapped. */
  private readonly errands = new Map<string, Errand>()
  private failure: unknown

  private constructor(private readonly server: http.Server) {}

  static async open(): Promise<Gate> {
    const server = http.createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const gate = new Gate(server)
    server.on('request', (request, response) => void gate.pass(request.url!, response))
    return gate
  }

  /** Writes the job's file. */
  static async writeJob(path: string): Promise<string> {
    await writeFile(path, GATED_JOB)
    return path
  }

  /** The environment for a command that shall do errands at records. */
  environment(errands: Readonly<Record<string, Errand>>): Record<string, string> {
    this.errands.clear()
    this.failure = undefined
    for (const [key, errand] of Object.entries(errands)) this.errands.set(key, errand)
    const { port } = this.server.address() as AddressInfo
    return { GATE_URL: `http://127.0.0.1:${port}/`, GATE_KEYS: Object.keys(errands).join(',') }
  }

  /** @throws what an errand threw; Error when a record never came by. */
  requirePassed(): void {
    if (this.failure !== undefined) throw this.failure
    const [missed] = this.errands.keys()
    if (missed !== undefined) throw new Error(`The job never came to ${missed}`)
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }

  private async pass(uri: string, response: http.ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(uri, 'http://gate')
    const key = decodeURIComponent(pathname.slice(1))
    const errand = this.errands.get(key)
    this.errands.delete(key)
    try {
      await errand?.(searchParams)
    } catch (error) {
      this.failure ??= error
    }
    response.end()
  }
}
