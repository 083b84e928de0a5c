import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Ports on 127.0.0.1 that nobody listens on. They lie below the range from which systems take the ports of
 * outgoing connections, so a port stays free while its server is down between a kill and a start.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(12_000, 32_000)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
