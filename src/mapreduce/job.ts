import { z } from 'zod'
import { JobDefinitionError, UsageError } from '../errors.js'
import type { Picture } from '../image/picture.js'
import { callerModule } from './caller-module.js'
import { RUN_FLAGS } from './run-flags.js'

/** What `map` is given beside its record. */
export interface MapContext<P> {
  /** The job's params, validated, with their defaults. */
  readonly params: P
  /**
   * Writes one record of output. Emits of a record are provisional until its `map` returns: a throw takes
   * them back. A key equal to the input's is written as the very bytes it came with.
   * @throws KeyError when the key is longer than 64 KiB.
   */
  emit(key: string, value: Uint8Array): Promise<void>
  /** Aborted when the job is killed or the attempt is given up. */
  readonly signal: AbortSignal
}

/** A job as its author writes it; see {@link defineJob}. */
export interface JobDefinition<S extends z.ZodObject = z.ZodObject> {
  /** Small letters, digits and dashes; names the default output, `<input>.<name>`. */
  name: string
  /** One line for `run-job --list` and `--help`. */
  description?: string
  /** The job's parameters: their flags, help, validation, types and defaults. @default none */
  params?: S
  /** Called for each picture. Emits any number of records; one that emits none is counted as filtered. */
  map(image: Picture, context: MapContext<z.infer<S>>): Promise<void> | void
  /** The module that exports the job, as `import.meta.url`. @default the file that called defineJob */
  module?: string
}

export interface Job<S extends z.ZodObject = z.ZodObject> extends Readonly<JobDefinition<S>> {
  readonly params: S
  readonly description: string
  readonly [jobSymbol]: true
}

/** Registered, so that a job is known for one by any copy of this package. */
export const jobSymbol: unique symbol = Symbol.for('pixelreduce.job') as never

/**
 * Defines a job. Export it from a module of its own: workers load that module and find the job there.
 * @throws JobDefinitionError when the name is not usable or a param bears the name of a run flag.
 */
export function defineJob<S extends z.ZodObject = z.ZodObject<Record<never, never>>>(
  definition: JobDefinition<S>,
): Job<S> {
  const { name } = definition
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(name)) {
    throw new JobDefinitionError(
      `Cannot define the job ${JSON.stringify(name)}: a name is small letters, digits and dashes`,
    )
  }
  if (typeof definition.map !== 'function') {
    throw new JobDefinitionError(`Cannot define the job "${name}": it has no map function`)
  }
  const params = definition.params ?? (z.object({}) as unknown as S)
  for (const param of Object.keys(params.shape)) {
    if (!RUN_FLAGS.has(flagName(param))) continue
    throw new JobDefinitionError(
      `Cannot define the job "${name}": its param "${param}" would shadow the run flag --${flagName(param)}; rename the param`,
    )
  }
  return Object.freeze({
    ...definition,
    params,
    description: definition.description ?? '',
    module: definition.module ?? callerModule(),
    [jobSymbol]: true as const,
  })
}

export function isJob(value: unknown): value is Job {
  return (
    typeof value === 'object' && value !== null && (value as { [jobSymbol]?: unknown })[jobSymbol] === true
  )
}

/** The job that a module exports: its default export, or its only exported job, or the one so named. */
export function exportedJob(exports: Record<string, unknown>, module: string, name?: string): Job {
  const jobs = [...new Set(Object.values(exports).filter(isJob))]
  const chosen = name === undefined ? (isJob(exports.default) ? exports.default : undefined) : undefined
  const named = jobs.filter((job) => job.name === name)
  const job = chosen ?? named[0] ?? (name === undefined && jobs.length === 1 ? jobs[0] : undefined)
  if (job) return job
  const found =
    jobs.length === 0
      ? 'it exports no job'
      : `it exports the jobs ${jobs.map((each) => each.name).join(', ')}`
  const mend = 'export default defineJob({ ... })'
  throw new JobDefinitionError(
    `Cannot load a job${name === undefined ? '' : ` "${name}"`} from ${module}: ${found}; write "${mend}"`,
  )
}

/** `keepMetadata` is `--keep-metadata`. */
export function flagName(param: string): string {
  return param.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/**
 * Params checked against the job's schema, defaults filled in.
 * @throws UsageError naming each param that is wrong, as the flag it is.
 */
export function parseParams<S extends z.ZodObject>(job: Job<S>, params: unknown): z.infer<S> {
  const result = z.strictObject(job.params.shape).safeParse(params ?? {})
  if (result.success) return job.params.parse(params ?? {}) as z.infer<S>
  const problems = result.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `--${flagName(key)} is no param of this job`).join('; ')
    }
    const [param] = issue.path
    const given = (params as Record<string, unknown> | undefined)?.[String(param)]
    const value = given === undefined ? '' : ` is ${JSON.stringify(given)}`
    return `--${flagName(String(param))}${value}: ${issue.message.replace(/^Invalid input: /, '')}`
  })
  throw new UsageError(`Cannot run ${job.name}: ${problems.join('; ')}`)
}
