import { z } from 'zod'
import { JobDefinitionError, UsageError } from '../errors.js'
import type { Picture } from '../image/picture.js'
import { BytesWritable, Text, type Writable } from '../io/writables/index.js'
import { callerModule } from './caller-module.js'
import type { Counter } from './counters.js'
import { type InputDefinition, PICTURES } from './input/input-definition.js'
import { classesOf, type RecordClasses } from './record-classes.js'
import { RUN_FLAGS } from './run-flags.js'

/** What `map`, `combine` and `reduce` are given beside their records. */
export interface TaskContextOf<P, K, V> {
  /** The job's params, validated, with their defaults. */
  readonly params: P
  /**
   * Emits one record. What `map` emits for a record is provisional until it returns: a throw takes it
   * back. A Text key equal to the input's is written as the very bytes it came with.
   * @throws KeyError when the key is longer than 64 KiB; UserCodeError for what the classes can't hold.
   */
  emit(key: K, value: V): Promise<void>
  /**
   * One of the job's own counters, shown with Hadoop's at the end. Only what a committed attempt counted
   * counts.
   */
  counter(group: string, name: string): Counter
  /**
   * Tells that a record, or a key, that takes long is alive, as Hadoop's `progress`: the time that
   * `--task-timeout` allows begins anew. Cheap enough for a loop; without effect on `--record-timeout`.
   */
  progress(): void
  /** Aborted when the job is killed or the attempt is given up. */
  readonly signal: AbortSignal
}

/** What `map` is given beside its record. */
export type MapContext<P, K = string, V = Uint8Array> = TaskContextOf<P, K, V>

/** What `reduce` is given beside its key and values. */
export interface ReduceContext<P, K = string, V = Uint8Array> extends TaskContextOf<P, K, V> {
  /** The key of the value that was read last, serialized: with a grouping order they differ within a group. */
  readonly currentKey: Uint8Array
  /** The number of the partition that is reduced, from 0. */
  readonly partition: number
  /**
   * Emits to another of the job's outputs, as Hadoop's MultipleOutputs: its parts are called
   * `<name>-r-00000` and so on. The name is one of the job's `outputs`.
   */
  emitTo(output: string, key: unknown, value: unknown): Promise<void>
}

/** Between `map` and `reduce`: classes, order and grouping of the records. */
export interface ShuffleDefinition<K, V> {
  key: Writable<K>
  value: Writable<V>
  /** The order of the keys within a partition. @default that of the class, as in Hadoop */
  sort?(a: K, b: K): number
  /** 0 for keys whose values one call of `reduce` gets, of neighbours in that order. @default equal in it */
  group?(a: K, b: K): number
}

/** How records of an output are stored. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]
export type TextFormat = 'text' | 'jsonl'
export const OUTPUT_FORMATS = ['mapfile', 'sequencefile', 'text', 'jsonl'] as const

export function isTextFormat(format: string | undefined): format is TextFormat {
  return format === 'text' || format === 'jsonl'
}

export interface OutputDefinition<K, V> {
  key: Writable<K>
  value: Writable<V>
  /** A MapFile is in the order of its keys; text has `key, tab, value` a line, jsonl an object. @default 'mapfile' */
  format?: OutputFormat
}

interface CommonDefinition<S extends z.ZodObject, R> {
  /** Small letters, digits and dashes; names the default output, `<input>.<name>`. */
  name: string
  /** One line for `run-job --list` and `--help`. */
  description?: string
  /** The job's parameters: their flags, help, validation, types and defaults. @default none */
  params?: S
  /** What the input's records are. @default pictures */
  input?: InputDefinition<R>
  /** The module that exports the job, as `import.meta.url`. @default the file that called defineJob */
  module?: string
}

/** A job without a reducer, as its author writes it; see {@link defineJob}. */
export interface MapJobDefinition<S extends z.ZodObject, R = Picture, K = string, V = Uint8Array>
  extends CommonDefinition<S, R> {
  /** @default a MapFile of Text and BytesWritable */
  output?: OutputDefinition<K, V>
  /** Called for each record. Emits any number of records; one that emits none is counted as filtered. */
  map(record: R, context: MapContext<z.infer<S>, K, V>): Promise<void> | void
  /** The partition of a record where there are reducers. @default Hadoop's HashPartitioner */
  partition?: ((key: K, value: V, partitions: number, params: z.infer<S>) => number) | 'total-order'
  /** With a number the records are spread and sorted, though nothing is reduced. @default none */
  reducers?: number
}

/** A job with a reducer. */
export interface ReduceJobDefinition<
  S extends z.ZodObject,
  R = Picture,
  MK = string,
  MV = Uint8Array,
  K = string,
  V = Uint8Array,
> extends CommonDefinition<S, R> {
  /** @default Text and BytesWritable */
  shuffle?: ShuffleDefinition<MK, MV>
  /** @default a MapFile of Text and BytesWritable */
  output?: OutputDefinition<K, V>
  /** Further outputs by their names, for `emitTo`. @default none */
  outputs?: Readonly<Record<string, OutputDefinition<never, never> | OutputDefinition<unknown, unknown>>>
  map(record: R, context: MapContext<z.infer<S>, MK, MV>): Promise<void> | void
  /** Sums up values of a key on the way, any number of times; emits with the key that it was given. */
  combine?(
    key: MK,
    values: AsyncIterable<MV>,
    context: ReduceContext<z.infer<S>, MK, MV>,
  ): Promise<void> | void
  /** The partition of a record, from 0 to `partitions` - 1. @default Hadoop's HashPartitioner */
  partition?: ((key: MK, value: MV, partitions: number, params: z.infer<S>) => number) | 'total-order'
  /** Called for each key, in order, with its values in the order of the map tasks. */
  reduce(key: MK, values: AsyncIterable<MV>, context: ReduceContext<z.infer<S>, K, V>): Promise<void> | void
  /** @default from the size of the input; `--reducers` says otherwise */
  reducers?: number
}

/** A job as its author writes it; see {@link defineJob}. */
export type JobDefinition<S extends z.ZodObject = z.ZodObject> = MapJobDefinition<S> | ReduceJobDefinition<S>

/** A job as everything else here sees it: the types of its records are its own business. */
export interface Job<S extends z.ZodObject = z.ZodObject> {
  readonly name: string
  readonly description: string
  readonly params: S
  readonly module: string
  readonly input: InputDefinition<unknown>
  readonly output: OutputDefinition<unknown, unknown>
  readonly outputs: Readonly<Record<string, OutputDefinition<unknown, unknown>>>
  readonly shuffle: ShuffleDefinition<unknown, unknown>
  readonly map: (record: unknown, context: MapContext<z.infer<S>, unknown, unknown>) => Promise<void> | void
  readonly combine?: ReduceFunction<z.infer<S>>
  readonly partition?:
    | ((key: unknown, value: unknown, partitions: number, params: z.infer<S>) => number)
    | 'total-order'
  readonly reduce?: ReduceFunction<z.infer<S>>
  readonly reducers?: number
  readonly [jobSymbol]: true
}

type ReduceFunction<P> = (
  key: unknown,
  values: AsyncIterable<unknown>,
  context: ReduceContext<P, unknown, unknown>,
) => Promise<void> | void

/** Registered, so that a job is known for one by any copy of this package. */
export const jobSymbol: unique symbol = Symbol.for('pixelreduce.job') as never

/**
 * Defines a job. Export it from a module of its own: workers load that module and find the job there.
 * @throws JobDefinitionError when the name is not usable or a param bears the name of a run flag.
 */
export function defineJob<
  S extends z.ZodObject = z.ZodObject<Record<never, never>>,
  R = Picture,
  MK = string,
  MV = Uint8Array,
  K = string,
  V = Uint8Array,
>(definition: ReduceJobDefinition<S, R, MK, MV, K, V>): Job<S>
export function defineJob<
  S extends z.ZodObject = z.ZodObject<Record<never, never>>,
  R = Picture,
  K = string,
  V = Uint8Array,
>(definition: MapJobDefinition<S, R, K, V>): Job<S>
export function defineJob<S extends z.ZodObject>(definition: JobDefinition<S>): Job<S> {
  const { name } = definition
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(name)) {
    throw new JobDefinitionError(
      `Cannot define the job ${JSON.stringify(name)}: a name is small letters, digits and dashes`,
    )
  }
  const wrong = (what: string) => new JobDefinitionError(`Cannot define the job "${name}": ${what}`)
  if (typeof definition.map !== 'function') throw wrong('it has no map function')
  const params = definition.params ?? (z.object({}) as unknown as S)
  for (const param of Object.keys(params.shape)) {
    if (!RUN_FLAGS.has(flagName(param))) continue
    throw wrong(`its param "${param}" would shadow the run flag --${flagName(param)}; rename the param`)
  }
  const job = {
    ...definition,
    params,
    description: definition.description ?? '',
    input: definition.input ?? PICTURES,
    output: definition.output ?? DEFAULT_OUTPUT,
    outputs: ('outputs' in definition && definition.outputs) || {},
    shuffle: ('shuffle' in definition && definition.shuffle) || DEFAULT_SHUFFLE,
    module: definition.module ?? callerModule(),
    [jobSymbol]: true as const,
  } as unknown as Job<S>
  if (!job.reduce) {
    for (const stage of ['combine', 'shuffle'] as const) {
      if (stage in definition) throw wrong(`it has ${stage} and no reduce, which it would lead to`)
    }
  }
  for (const output of Object.keys(job.outputs)) {
    if (!/^[a-z][a-z0-9]*$/.test(output) || output === 'part') {
      throw wrong(`its output "${output}" can't be called so: a name is small letters and digits, not "part"`)
    }
  }
  return Object.freeze(job)
}

const DEFAULT_OUTPUT: OutputDefinition<string, Uint8Array> = { key: Text, value: BytesWritable }
const DEFAULT_SHUFFLE: ShuffleDefinition<string, Uint8Array> = { key: Text, value: BytesWritable }

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
  const result = strictParams(job).safeParse(params ?? {})
  if (result.success) return job.params.parse(params ?? {}) as z.infer<S>
  const problems = result.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `--${flagName(key)} is no param of this job`).join('; ')
    }
    const [param] = issue.path
    if (param === undefined) return issue.message
    const given = (params as Record<string, unknown> | undefined)?.[String(param)]
    const value = given === undefined ? '' : ` is ${JSON.stringify(given)}`
    return `--${flagName(String(param))}${value}: ${issue.message.replace(/^Invalid input: /, '')}`
  })
  throw new UsageError(`Cannot run ${job.name}: ${problems.join('; ')}`)
}

/** Made once for each job: a schema compiles itself when it is first used, and every task parses. */
const strictSchemas = new WeakMap<object, z.ZodObject>()

function strictParams(job: { params: z.ZodObject }): z.ZodObject {
  let schema = strictSchemas.get(job)
  if (!schema) {
    // Not a new object of the same shape: that would be without what the author refines.
    schema = job.params.strict()
    strictSchemas.set(job, schema)
  }
  return schema
}

/** What `map` emits: records for the reducers, or without any the output's. */
export function emittedClasses(job: Job): RecordClasses {
  return classesOf(job.reduce ? job.shuffle : job.output)
}
