import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** What becomes of a request: it passes, or its connection breaks before or after the server has answered. */
export type Fate = 'pass' | 'lose the request' | 'lose the answer'

/** A relay to an HTTP server of this machine that knows what it is asked for. */
export class HttpRelay {
  /** Decides about each request; may do something first. */
  decide: (operation: string, url: URL) => Fate | Promise<Fate> = () => 'pass'

  private constructor(
    private readonly server: http.Server,
    readonly port: number,
  ) {}

  static async start(target: string): Promise<HttpRelay> {
    const server = http.createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const relay = new HttpRelay(server, (server.address() as AddressInfo).port)
    server.on('request', (request, response) => void relay.pass(new URL(target), request, response))
    return relay
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }

  private async pass(
    target: URL,
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const url = new URL(request.url!, target)
    const fate = await this.decide(url.searchParams.get('op') ?? '', url)
    if (fate === 'lose the request') return void request.socket.destroy()
    const { method, headers } = request
    const onward = http.request(url, { method, headers, agent: false }, (answer) => {
      if (fate === 'lose the answer') {
        answer.resume().once('end', () => request.socket.destroy())
        return
      }
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => request.socket.destroy())
    request.pipe(onward)
  }
}
