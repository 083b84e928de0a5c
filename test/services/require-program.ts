import { access, constants } from 'node:fs/promises'
import path from 'node:path'
import { runCommand } from './run-command.js'

/**
 * Sees to it that a program is installed: by apt where this is root on Debian or its kin.
 * @throws Error with the one command to run, where it can't be done from here.
 */
export async function requireProgram(program: string, debianPackage: string): Promise<void> {
  if (await isInstalled(program)) return
  const command = `apt-get update && apt-get install -y --no-install-recommends ${debianPackage}`
  if (process.getuid?.() !== 0 || !(await isInstalled('apt-get'))) {
    throw new Error(
      `Cannot start services for the tests: ${program} is not installed; run "sudo sh -c '${command}'"`,
    )
  }
  const result = await runCommand(
    'sh',
    ['-c', command.replaceAll('apt-get', 'apt-get -q -o DPkg::Lock::Timeout=300')],
    {
      // Runlevel 1 keeps Debian's install scripts from starting the service on its well-known port.
      environment: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    },
  )
  if (result.code !== 0 || !(await isInstalled(program))) {
    throw new Error(
      `Cannot install ${program}: "${command}" ended with code ${result.code}\n${result.stderr.slice(-2000)}`,
    )
  }
}

async function isInstalled(program: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    if (folder === '') continue
    try {
      await access(path.join(folder, program), constants.X_OK)
      return true
    } catch {
      // the next folder may have it
    }
  }
  return false
}
