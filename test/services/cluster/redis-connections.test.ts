import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manyPictures } from '../../pictures.js'
import { runJobCommand } from '../../run-command.js'
import { Daemon } from '../daemon.js'
import { freePorts } from '../free-ports.js'
import { redisCommand } from '../redis.js'
import { requireProgram } from '../require-program.js'
import { runCommand } from '../run-command.js'
import { waitUntil } from '../wait-until.js'
import { Gate } from '../webhdfs/gate.js'
import { recordsOf, TestFleet } from './fleet.js'

describe('a fleet whose Redis', () => {
  let fleet: TestFleet
  let folder: string
  const daemons: Daemon[] = []

  beforeEach(async () => {
    await requireProgram('redis-server', 'redis-server')
  })

  afterEach(async () => {
    await fleet.stop()
    await Promise.all(daemons.splice(0).map((daemon) => daemon.kill()))
  })

  async function open(url: string): Promise<void> {
    fleet = await TestFleet.open(url)
    folder = join(fleet.folder, 'shared')
    await mkdir(folder)
  }

  async function startServer(name: string, args: string[]): Promise<Daemon> {
    const daemon = new Daemon({
      program: 'redis-server',
      args: [...args, '--bind', '127.0.0.1', '--save', '', '--dir', fleet.folder],
      logFile: join(fleet.folder, `${name}.log`),
    })
    daemons.push(daemon)
    await daemon.start()
    await waitUntil(`${name} is ready`, async () => {
      await daemon.mustRun()
      return /Ready to accept|monitor master/.test(await daemon.logTail())
    })
    return daemon
  }

  it('wants TLS, a user and a password', async () => {
    await requireProgram('openssl', 'openssl')
    const [port] = await freePorts(1)
    await open(`rediss://worker:geheim@localhost:${port}`)
    const at = (name: string) => join(fleet.folder, name)
    const openssl = async (...args: string[]) => {
      const { code, stderr } = await runCommand('openssl', args)
      expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    }
    const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '2']
    await openssl('req', '-x509', ...key, '-subj', '/CN=test', '-keyout', at('ca.key'), '-out', at('ca.pem'))
    await openssl(
      'req',
      ...key.slice(0, 3),
      '-subj',
      '/CN=localhost',
      '-keyout',
      at('key.pem'),
      '-out',
      at('csr'),
    )
    await writeFile(at('names'), 'subjectAltName=DNS:localhost\n')
    const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('names')]
    await openssl('x509', '-req', '-in', at('csr'), ...signed, '-days', '2', '-out', at('cert.pem'))
    await writeFile(at('users.acl'), 'user worker on >geheim ~* &* +@all\nuser default off\n')
    await startServer('redis', [
      ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
      ...[
        '--tls-cert-file',
        at('cert.pem'),
        '--tls-key-file',
        at('key.pem'),
        '--tls-ca-cert-file',
        at('ca.pem'),
      ],
      ...['--aclfile', at('users.acl')],
    ])
    const env = { NODE_EXTRA_CA_CERTS: at('ca.pem') }
    await fleet.start({ env })

    const input = await manyPictures(join(folder, 'in'), 4)
    const run = (url: string, output: string) =>
      runJobCommand(
        ['thumbnail', '-i', input, '-o', join(folder, output), '--redis', url, '--fleet', fleet.name],
        { env },
      )
    const { code, stderr } = await run(fleet.url, 'out')
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    const refused = await run(`rediss://worker:falsch@localhost:${port}`, 'never')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/Cannot reach Redis.*WRONGPASS/) })
    expect(refused.stderr).not.toContain('falsch')
  })

  it('fails over to another one, found by Sentinel', async () => {
    const [first, second, sentinel] = await freePorts(3)
    await open(`redis+sentinel://127.0.0.1:${sentinel}/mymaster`)
    const master = await startServer('first', ['--port', String(first)])
    await startServer('second', ['--port', String(second), '--replicaof', '127.0.0.1', String(first)])
    const configuration = join(fleet.folder, 'sentinel.conf')
    await writeFile(
      configuration,
      `port ${sentinel}
       sentinel monitor mymaster 127.0.0.1 ${first} 1
       sentinel down-after-milliseconds mymaster 1000
       sentinel failover-timeout mymaster 3000
      `.replace(/^ +/gm, ''),
    )
    await startServer('sentinel', [configuration, '--sentinel'])
    const knowsReplica = async () =>
      /num-slaves/.test(await redisCommand(sentinel!, 'SENTINEL masters')) ||
      (await redisCommand(sentinel!, 'SENTINEL replicas mymaster')) === '*1'
    await waitUntil('Sentinel knows the replica', knowsReplica)

    const gate = await Gate.open()
    const job = await Gate.writeJob(join(folder, 'gated.ts'))
    const input = await manyPictures(join(folder, 'in'), 24)
    const local = join(folder, 'local')
    expect((await runJobCommand([job, '-i', input, '-o', local, '--splits', '8'])).code).toBe(0)
    const key = 'set-0/p0012.jpg'
    await fleet.start(
      { env: gate.environment({ [key]: () => master.kill('SIGKILL') }) },
      { env: gate.environment({ [key]: () => master.kill('SIGKILL') }) },
    )
    const output = join(folder, 'out')
    const { code, stderr } = await fleet.run([job, '-i', input, '-o', output, '--splits', '8'])
    expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    gate.requirePassed()
    expect(await recordsOf(output)).toEqual(await recordsOf(local))
    await gate.close()
  })
})
