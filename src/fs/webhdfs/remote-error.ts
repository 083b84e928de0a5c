import {
  AlreadyExistsError,
  AuthenticationError,
  type ErrorOptions,
  FileSystemError,
  LeaseConflictError,
  NotFoundError,
  PermissionError,
  type PixelreduceError,
  SafeModeError,
  StandbyError,
  StorageFullError,
  UnsupportedError,
} from '../../errors.js'

/** What is being done to what, for messages: `Cannot create /photos/data on webhdfs://nn:9870: ...`. */
export interface Doing {
  readonly action: string
  readonly path: string
  /** The file system's root. */
  readonly root: string
}

/**
 * The body of a failed answer:
 * `{"RemoteException": {"exception": "...", "javaClassName": "...", "message": "..."}}`.
 * DataNodes put the Java stack into the message, a line for each frame.
 */
interface RemoteException {
  exception?: string
  javaClassName?: string
  message?: string
}

type ErrorClass = new (message: string, options?: ErrorOptions) => PixelreduceError

/** How Hadoop's exceptions, by their simple names, come out here. `retriable` is false where it isn't said. */
const known: Record<string, { Class: ErrorClass; state: string; retriable?: boolean }> = {
  FileNotFoundException: { Class: NotFoundError, state: 'there is no such file or folder' },
  FileAlreadyExistsException: { Class: AlreadyExistsError, state: 'it exists already' },
  ParentNotDirectoryException: {
    Class: FileSystemError,
    state: 'a part of the path is a file, not a folder',
  },
  PathIsNotEmptyDirectoryException: { Class: FileSystemError, state: 'the folder is not empty' },
  AccessControlException: { Class: PermissionError, state: 'permission denied' },
  SecurityException: { Class: AuthenticationError, state: 'the server does not accept who we are' },
  AuthenticationException: { Class: AuthenticationError, state: 'the server does not accept who we are' },
  InvalidToken: { Class: AuthenticationError, state: 'the delegation token is not valid (any more)' },
  NSQuotaExceededException: { Class: StorageFullError, state: "the folder's quota of names is used up" },
  DSQuotaExceededException: { Class: StorageFullError, state: "the folder's quota of space is used up" },
  QuotaByStorageTypeExceededException: {
    Class: StorageFullError,
    state: "the folder's quota of space is used up",
  },
  QuotaExceededException: { Class: StorageFullError, state: "the folder's quota is used up" },
  DiskOutOfSpaceException: { Class: StorageFullError, state: 'no space is left on the DataNodes' },
  SafeModeException: { Class: SafeModeError, state: 'HDFS is in safe mode', retriable: true },
  AlreadyBeingCreatedException: {
    Class: LeaseConflictError,
    state: 'another client is writing it',
    retriable: true,
  },
  RecoveryInProgressException: {
    Class: LeaseConflictError,
    state: 'HDFS is closing it for a client that is gone',
    retriable: true,
  },
  LeaseExpiredException: {
    Class: LeaseConflictError,
    state: 'it was removed or taken over while it was written',
  },
  StandbyException: { Class: StandbyError, state: 'the NameNode is a standby', retriable: true },
  RetriableException: {
    Class: FileSystemError,
    state: 'the NameNode asks to try again later',
    retriable: true,
  },
  BlockMissingException: { Class: FileSystemError, state: 'no DataNode has the block', retriable: true },
  ServerTooBusyException: { Class: FileSystemError, state: 'the server is too busy', retriable: true },
  InvalidPathException: {
    Class: FileSystemError,
    state: 'HDFS allows no such name (a colon, for example)',
  },
  UnsupportedOperationException: { Class: UnsupportedError, state: 'the server does not support it' },
}

/** Other words by which the cluster says that it has too few DataNodes; soon there may be more of them. */
const NO_DATA_NODE =
  /Failed to find datanode|No active nodes contain|could only be written to|could only be replicated/

/** The error for an answer of `status` 400 or more. */
export function remoteError(doing: Doing, server: string, status: number, body: unknown): PixelreduceError {
  const exception = exceptionIn(body)
  const javaClass = exception?.javaClassName ?? exception?.exception ?? null
  const simpleName = exception?.exception ?? javaClass?.split(/[.$]/).at(-1) ?? ''
  const said = wordsOf(exception?.message ?? (typeof body === 'string' ? textOf(body) : ''))
  const details = { path: doing.path, server, status, javaClass }
  const message = (state: string) => `Cannot ${doing.action} ${doing.path} on ${doing.root}: ${state}`
  const withWords = (state: string) => message(said ? `${state} (${said})` : state)

  if (simpleName === 'AlreadyBeingCreatedException' && doing.action === 'create') {
    return new AlreadyExistsError(withWords('another client is creating it'), { details })
  }
  const match = known[simpleName]
  if (match) return new match.Class(withWords(match.state), { details, retriable: match.retriable ?? false })
  if (status === 401) {
    const state = 'the server does not accept who we are; it may want a delegation token (HADOOP_TOKEN)'
    return new AuthenticationError(withWords(state), { details })
  }
  if (NO_DATA_NODE.test(said)) {
    return new FileSystemError(withWords('HDFS finds no DataNode for it'), { details, retriable: true })
  }
  if (!exception && status === 404) {
    const state = `${server} serves no WebHDFS there; dfs.webhdfs.enabled may be false, or the port another service's`
    return new FileSystemError(message(state), { details })
  }
  const who = javaClass ? `${javaClass.split('.').at(-1)}: ${said}` : said
  // 403 is any IOException, also one between the DataNode and a NameNode that has just gone.
  const retriable = status >= 500 || status === 403
  return new FileSystemError(message(`${server} answers ${status}${who ? `, ${who}` : ''}`), {
    details,
    retriable,
  })
}

function exceptionIn(body: unknown): RemoteException | undefined {
  let value = body
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value)
    } catch {
      return undefined
    }
  }
  return (value as { RemoteException?: RemoteException } | null)?.RemoteException
}

/** A message without the Java stack that may follow it. */
function wordsOf(message: string): string {
  const [words] = message.split(/\n\s*at |\tat /, 1)
  return words!.replace(/\s+/g, ' ').trim().slice(0, 500)
}

/** The words of an error page. */
function textOf(page: string): string {
  return page
    .replace(/<(style|script)[\s\S]*?<\/\1>/gi, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}
