import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A relay to a port of this machine whose connections can be cut or held up. */
export class TcpProxy {
  /** Connections still to be cut, in order: after so many bytes from the server. */
  readonly cuts: number[] = []
  /** Whether a cut is a reset; else the connection ends as if the server had finished. */
  reset = true
  /** While true nothing that the server sends is passed on. */
  stalled = false
  /** While true connections are refused: they end as soon as they begin. */
  refusing = false
  /** How many connections there were. */
  connections = 0
  /** Bytes that came from the server and were passed on. */
  bytes = 0
  private readonly open = new Set<Socket>()

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const proxy = new TcpProxy(server, (server.address() as AddressInfo).port)
    server.on('connection', (client) => proxy.relay(client, targetPort))
    return proxy
  }

  get openConnections(): number {
    return this.open.size
  }

  /** Resets all connections. */
  cut(): void {
    for (const socket of this.open) socket.resetAndDestroy()
  }

  async stop(): Promise<void> {
    for (const socket of this.open) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
  }

  private relay(client: Socket, targetPort: number): void {
    this.connections++
    if (this.refusing) return void client.resetAndDestroy()
    this.open.add(client)
    const cutAfter = this.cuts.shift() ?? Number.POSITIVE_INFINITY
    let passed = 0
    const server = connect(targetPort, '127.0.0.1')
    const close = () => {
      this.open.delete(client)
      client.destroy()
      server.destroy()
    }
    client.on('error', close).on('close', close)
    server.on('error', close)
    client.pipe(server)
    server.on('data', (bytes: Buffer) => {
      if (this.stalled) return
      const part = bytes.subarray(0, cutAfter - passed)
      passed += part.length
      this.bytes += part.length
      const isFull = part.length > 0 && !client.write(part)
      if (passed >= cutAfter) {
        // The bytes before the cut shall arrive, so the reset waits for them to leave.
        server.destroy()
        if (this.reset) client.write('', () => client.resetAndDestroy())
        else client.end()
        return
      }
      if (isFull) {
        server.pause()
        client.once('drain', () => server.resume())
      }
    })
    server.on('end', () => {
      if (!this.stalled) client.end()
    })
  }
}
