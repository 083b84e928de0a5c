import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildOnce } from '../build-once.js'
import { requireProgram } from '../require-program.js'
import { runCommand } from '../run-command.js'

const pom = fileURLToPath(new URL('pom.xml', import.meta.url))

let classpath: Promise<string> | undefined

/**
 * The class path of Hadoop, as Java takes it (`folder/*`). The jars are copied by Maven, once per pom.xml; a
 * JDK and Maven are installed where they are missing.
 * @throws Error with the one command to run where that can't be done.
 */
export function hadoopClasspath(): Promise<string> {
  classpath ??= resolveJars()
  return classpath
}

async function resolveJars(): Promise<string> {
  await requireProgram('javac', 'default-jdk-headless')
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 16)
  const folder = await buildOnce(`hadoop-${hash}`, copyJars)
  return path.join(folder, '*')
}

async function copyJars(folder: string): Promise<void> {
  await requireProgram('mvn', 'maven')
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`]
  const result = await runCommand('mvn', args)
  if (result.code === 0) return
  throw new Error(
    `Cannot get the Hadoop jars: Maven ended with code ${result.code}; see what "mvn -f ${pom} dependency:resolve" says\n` +
      result.stdout.slice(-2000),
  )
}
