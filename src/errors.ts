/**
 * Every failure that pixelreduce reports is one of these classes. Foreign errors (Node's, sharp's, a
 * server's) are translated where they enter and kept as `cause`. Errors cross threads and machines as
 * JSON, because a structured clone drops an error's name and own fields.
 *
 * Message grammar: what was being done, colon, what is the case now, and where it helps what to do.
 */

/** Facts about a failure, shown by `--json` and kept in reports: file, offset, key, limit and the like. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>

export interface ErrorOptions {
  cause?: unknown
  details?: ErrorDetails
  /** Whether trying the same thing again may help. @default the class's own */
  retriable?: boolean
}

export interface ErrorJson {
  name: string
  code: string
  message: string
  retriable: boolean
  details?: ErrorDetails
  stack?: string
  cause?: ErrorJson
}

/** The base of them all; thrown itself only for what is wrong in pixelreduce. */
export class PixelreduceError extends Error {
  readonly code: string = 'INTERNAL'
  readonly retriable: boolean
  readonly details: ErrorDetails | undefined

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.retriable = options.retriable ?? false
    this.details = options.details
  }

  toJSON(): ErrorJson {
    return errorToJson(this)
  }
}

/** The command or the call is wrong: a flag, a path that is not there, an output that exists. Exit code 2. */
export class UsageError extends PixelreduceError {
  override readonly code: string = 'USAGE'
}

/** A file or folder that is not there. */
export class NotFoundError extends PixelreduceError {
  override readonly code = 'NOT_FOUND'
}

/** The target of a create or a rename is there already. */
export class AlreadyExistsError extends PixelreduceError {
  override readonly code = 'ALREADY_EXISTS'
}

/** The file system refused: no permission, read-only. */
export class PermissionError extends PixelreduceError {
  override readonly code = 'PERMISSION'
}

/** No room is left on the device or in the quota. */
export class StorageFullError extends PixelreduceError {
  override readonly code = 'STORAGE_FULL'
}

/** Any other failure of a file system or a connection. */
export class FileSystemError extends PixelreduceError {
  override readonly code: string = 'FILE_SYSTEM'
}

/** A server did not accept who we are: a wrong or expired token, a user that it refuses. */
export class AuthenticationError extends FileSystemError {
  override readonly code = 'AUTHENTICATION'
}

/** The file system is read-only for a while (HDFS's safe mode). */
export class SafeModeError extends FileSystemError {
  override readonly code = 'SAFE_MODE'
}

/** Another client is writing the same file. */
export class LeaseConflictError extends FileSystemError {
  override readonly code = 'LEASE_CONFLICT'
}

/** The server is the standby of another one and answers nothing. */
export class StandbyError extends FileSystemError {
  override readonly code = 'STANDBY'
}

/** A server could not be reached, or the connection to it was cut. */
export class ConnectionError extends FileSystemError {
  override readonly code = 'CONNECTION'
}

/** A wait reached its limit; the message names the limit. */
export class TimeoutError extends FileSystemError {
  override readonly code = 'TIMEOUT'
}

/** Bytes that are not what their format demands: a wrong magic, an absurd length, a bad position. */
export class FormatError extends PixelreduceError {
  override readonly code: string = 'FORMAT'
}

/** A file that ends in the middle of a record, a header or an index entry. */
export class TruncatedError extends FormatError {
  override readonly code = 'TRUNCATED'
}

/** Bytes whose checksum is not the recorded one. */
export class ChecksumError extends FormatError {
  override readonly code = 'CHECKSUM'
}

/** A key that may not follow the one before it, or that the format cannot hold. */
export class KeyError extends PixelreduceError {
  override readonly code = 'KEY'
}

/** Something that this build cannot do: a codec, a class, a URI scheme. */
export class UnsupportedError extends PixelreduceError {
  override readonly code: string = 'UNSUPPORTED'
}

/** An optional package that the work needs is not installed; the message names it. */
export class MissingPackageError extends UnsupportedError {
  override readonly code = 'MISSING_PACKAGE'
}

/** A picture that can't be decoded or encoded. */
export class PictureError extends PixelreduceError {
  override readonly code: string = 'PICTURE'
}

/** A picture, a record or a key over a configured limit; the message names the limit and its flag. */
export class LimitError extends PictureError {
  override readonly code = 'LIMIT'
}

/** A job's own code threw. */
export class UserCodeError extends PixelreduceError {
  override readonly code = 'USER_CODE'
}

/** A job that can't be loaded: no such file, no exported job, a wrong definition. Exit code 2. */
export class JobDefinitionError extends UsageError {
  override readonly code = 'JOB_DEFINITION'
}

/** More records were bad than `--max-bad` allows, or any was with `--on-error fail`. */
export class BadRecordsError extends PixelreduceError {
  override readonly code = 'BAD_RECORDS'
}

/** The sums of the ledger differ: a record was lost or made up. */
export class LedgerError extends PixelreduceError {
  override readonly code = 'LEDGER'
}

/** A task failed in each of its attempts; `cause` is the last attempt's error. */
export class TaskFailedError extends PixelreduceError {
  override readonly code = 'TASK_FAILED'
}

/** The process that an attempt ran in ended under it; the message names the signal or the exit code. */
export class ProcessLostError extends PixelreduceError {
  override readonly code = 'PROCESS_LOST'
}

/** The worker of a fleet that had an attempt is gone, or has given it back: no fault of the attempt. */
export class WorkerLostError extends PixelreduceError {
  override readonly code = 'WORKER_LOST'
}

/** Another driver goes on with the job; nothing of it was removed. */
export class HandedOverError extends PixelreduceError {
  override readonly code = 'HANDED_OVER'
}

/** Somebody else has committed this task or this job. */
export class FencedError extends PixelreduceError {
  override readonly code = 'FENCED'
}

/** The job was killed: by a signal, by its caller, by an operator. */
export class KilledError extends PixelreduceError {
  override readonly code = 'KILLED'
}

const classes: Record<string, new (message: string, options?: ErrorOptions) => PixelreduceError> = {
  UsageError,
  NotFoundError,
  AlreadyExistsError,
  PermissionError,
  StorageFullError,
  FileSystemError,
  AuthenticationError,
  SafeModeError,
  LeaseConflictError,
  StandbyError,
  ConnectionError,
  TimeoutError,
  FormatError,
  TruncatedError,
  ChecksumError,
  KeyError,
  UnsupportedError,
  MissingPackageError,
  PictureError,
  LimitError,
  UserCodeError,
  JobDefinitionError,
  BadRecordsError,
  LedgerError,
  TaskFailedError,
  ProcessLostError,
  WorkerLostError,
  HandedOverError,
  FencedError,
  KilledError,
}

/** An error as plain JSON, with its chain of causes. Takes anything that can be thrown. */
export function errorToJson(error: unknown): ErrorJson {
  if (!(error instanceof Error)) {
    return { name: 'Error', code: 'UNKNOWN', message: String(error), retriable: false }
  }
  const own = error as Error & { code?: unknown; retriable?: unknown; details?: ErrorDetails }
  return {
    name: own.name,
    code: typeof own.code === 'string' ? own.code : 'UNKNOWN',
    message: own.message,
    retriable: own.retriable === true,
    ...(own.details ? { details: own.details } : {}),
    ...(own.stack ? { stack: own.stack } : {}),
    ...(own.cause === undefined ? {} : { cause: errorToJson(own.cause) }),
  }
}

/** The error that {@link errorToJson} described, of the same class where it is one of ours. */
export function errorFromJson(json: ErrorJson): PixelreduceError {
  const Class = classes[json.name] ?? ForeignError
  const error = new Class(json.message, {
    retriable: json.retriable,
    ...(json.details ? { details: json.details } : {}),
    ...(json.cause ? { cause: errorFromJson(json.cause) } : {}),
  })
  error.name = json.name
  if (json.stack) error.stack = json.stack
  return error
}

/** An error of somebody else's class that came from another thread or machine; its name is kept. */
class ForeignError extends PixelreduceError {
  override readonly code = 'FOREIGN'
}

/** Errors whose message says where, and leaves it to the cause to say what. */
const TOLD_BY_CAUSE = new Set(['TASK_FAILED', 'INTERNAL'])

/** What the user sees of an error. The foreign error behind one of ours is for `--verbose`. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, cause } = error as Error & { code?: unknown }
  const more = cause !== undefined && TOLD_BY_CAUSE.has(String(code)) ? `: ${describeError(cause)}` : ''
  return `${error.message || error.name}${more}`
}
