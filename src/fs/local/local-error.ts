import {
  AlreadyExistsError,
  FileSystemError,
  NotFoundError,
  PermissionError,
  StorageFullError,
} from '../../errors.js'

/**
 * Translates an error of node:fs: `await fs.open(path).catch(localError('open', path))`.
 * The message says what was being done, to which path, and what the system answered.
 */
export function localError(action: string, path: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    const options = { cause: error, details: { path, errno: error.code ?? null } }
    const message = (state: string) => `Cannot ${action} ${path}: ${state}`
    switch (error.code) {
      case 'ENOENT':
        throw new NotFoundError(message('there is no such file or folder'), options)
      case 'EEXIST':
        throw new AlreadyExistsError(message('it exists already'), options)
      case 'EACCES':
      case 'EPERM':
        throw new PermissionError(message('permission denied'), options)
      case 'EROFS':
        throw new PermissionError(message('the file system is read-only'), options)
      case 'ENOSPC':
        throw new StorageFullError(message('no space is left on the device'), options)
      case 'EDQUOT':
        throw new StorageFullError(message('the disk quota is used up'), options)
      case 'EISDIR':
        throw new FileSystemError(message('it is a folder, not a file'), options)
      case 'ENOTDIR':
        throw new FileSystemError(message('a part of the path is a file, not a folder'), options)
      case 'ENOTEMPTY':
        throw new FileSystemError(message('the folder is not empty'), options)
      case 'EMFILE':
      case 'ENFILE':
        throw new FileSystemError(message('too many files are open'), { ...options, retriable: true })
      default:
        throw new FileSystemError(message(error.message), { ...options, retriable: true })
    }
  }
}
