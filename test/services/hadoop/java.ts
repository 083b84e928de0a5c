import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildOnce } from '../build-once.js'
import { type CommandOptions, type CommandResult, runCommand } from '../run-command.js'
import { hadoopClasspath } from './jars.js'

const sourceFolder = fileURLToPath(new URL('.', import.meta.url))

/** Only errors, and on standard error: standard output belongs to the program. */
const quietLog = `log4j.rootLogger=ERROR,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
`

export interface JavaOptions extends CommandOptions {
  /** Flags for the JVM itself. @default -Xmx1g */
  jvmFlags?: readonly string[]
  /** A folder with Hadoop's configuration, first on the class path. @default Hadoop's own defaults */
  configuration?: string
}

/**
 * Runs a program of this folder (`VerifyMapFile`, `WriteMapFile`, `BenchMapFile`) or any main class among
 * Hadoop's jars. Our programs are compiled once per state of their sources.
 */
export async function javaTool(
  mainClass: string,
  args: readonly string[],
  options: JavaOptions = {},
): Promise<CommandResult> {
  const { jvmFlags = ['-Xmx1g'], configuration, ...commandOptions } = options
  const classes = [await compiledTools(), await hadoopClasspath()]
  if (configuration !== undefined) classes.unshift(configuration)
  return runCommand(
    'java',
    [...jvmFlags, '-cp', classes.join(path.delimiter), mainClass, ...args],
    commandOptions,
  )
}

let tools: Promise<string> | undefined

function compiledTools(): Promise<string> {
  tools ??= compileTools()
  return tools
}

async function compileTools(): Promise<string> {
  const classpath = await hadoopClasspath()
  const sources = (await readdir(sourceFolder)).filter((name) => name.endsWith('.java')).sort()
  const files = sources.map((name) => path.join(sourceFolder, name))
  const hash = createHash('sha256').update(classpath).update(quietLog)
  for (const file of files) hash.update(await readFile(file))
  return buildOnce(`java-${hash.digest('hex').slice(0, 16)}`, async (folder) => {
    const result = await runCommand('javac', [
      '-cp',
      classpath,
      '-Xlint:all,-classfile,-path,-processing',
      '-d',
      folder,
      ...files,
    ])
    if (result.code !== 0)
      throw new Error(`Cannot compile the Java tools: javac ended with code ${result.code}\n${result.stderr}`)
    await writeFile(path.join(folder, 'log4j.properties'), quietLog)
  })
}
