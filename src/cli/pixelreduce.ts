import { Command } from 'commander'
import { packageVersion } from '../package-root.js'
import { runCommand } from './exit.js'
import { addFileSystemOptions, applyFileSystemOptions } from './file-system-options.js'

/** The commands, each in a file of its own that is loaded when it is called. */
const commands: Record<string, { summary: string; load(): Promise<CommandModule> }> = {
  pack: { summary: 'pack pictures into an indexed MapFile', load: () => import('./commands/pack.js') },
  ls: { summary: 'list the records of a MapFile or a job output', load: () => import('./commands/ls.js') },
  get: { summary: 'write the bytes of one record', load: () => import('./commands/get.js') },
  dump: {
    summary: 'show the records of any SequenceFile or MapFile as JSON',
    load: () => import('./commands/dump.js'),
  },
  verify: {
    summary: 'look for damage in a SequenceFile, MapFile or job output',
    load: () => import('./commands/verify.js'),
  },
  fix: { summary: "rebuild a MapFile's index from its data", load: () => import('./commands/fix.js') },
  export: { summary: 'write each record to a file of its own', load: () => import('./commands/export.js') },
  jobs: {
    summary: 'list, show, kill and retry jobs',
    load: () => import('./commands/jobs.js'),
  },
  worker: {
    summary: 'work for a fleet: take tasks of its jobs and run them',
    load: () => import('./commands/worker.js'),
  },
  workers: { summary: 'show the workers of a fleet', load: () => import('./commands/workers.js') },
  doctor: {
    summary: 'check this installation, a folder and the cluster, and say what to do',
    load: () => import('./commands/doctor.js'),
  },
}

/** What a command's file exports. */
export interface CommandModule {
  /** Adds arguments, options and help to an empty command. */
  define(command: Command): void
  /** @returns the exit code */
  run(args: string[], options: Record<string, unknown>, signal: AbortSignal): Promise<number>
}

/** The command `pixelreduce`. */
export function main(args: string[]): Promise<void> {
  return runCommand('pixelreduce', async (signal) => {
    const program = new Command('pixelreduce')
      .description('Packs, lists, reads, exports, verifies and repairs Hadoop MapFiles of pictures.')
      .version(packageVersion(), '--version')
      .exitOverride()
      .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'pixelreduce: ')) })
    let exitCode = 0
    for (const [name, { summary, load }] of Object.entries(commands)) {
      const command = program.command(name).summary(summary).description(summary).exitOverride()
      command
        .configureOutput(program.configureOutput())
        .showHelpAfterError(`Try "pixelreduce ${name} --help".`)
      if (args[0] !== name && !(args[0] === 'help' && args[1] === name)) continue
      const module = await load()
      module.define(command)
      const hasVerbose = command.options.some((option) => option.long === '--verbose')
      if (!hasVerbose) command.option('--verbose', 'show stack traces')
      if (!command.options.some((option) => option.long === '--datanode-map')) addFileSystemOptions(command)
      command.action(async () => {
        applyFileSystemOptions(command.opts())
        exitCode = await module.run(command.args, command.opts(), signal)
      })
    }
    program.addHelpText(
      'after',
      `
Examples:
  pixelreduce pack photos photos.packed
  pixelreduce ls photos.packed
  pixelreduce get photos.packed cats/chelsea.jpg > chelsea.jpg
  pixelreduce export photos.packed folder
  pixelreduce verify photos.packed

"pixelreduce COMMAND --help" shows the options of a command; "run-job --help" runs jobs.`,
    )
    if (args.length === 0) {
      program.outputHelp()
      return 2
    }
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  })
}
