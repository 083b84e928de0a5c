import { execFileSync } from 'node:child_process'
import { mkdtemp, open, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { StorageFullError, TruncatedError } from '../../src/errors.js'
import { LocalFileSystem } from '../../src/fs/local/local-file-system.js'
import { LocalSink } from '../../src/fs/local/local-sink.js'
import { fileSystemContract } from '../contracts/file-system.js'
import { temporaryFolder } from '../temporary-folder.js'

fileSystemContract('local', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pixelreduce-fs-'))
  return { fs: new LocalFileSystem(), folder, dispose: () => rm(folder, { recursive: true, force: true }) }
})

const fs = new LocalFileSystem()

it('reports a full device when the bytes reach it', async () => {
  await using handle = await open('/dev/full', 'w')
  const sink = new LocalSink('/dev/full', handle.fd, false)
  await sink.write(Buffer.alloc(10))
  await expect(sink.close()).rejects.toBeInstanceOf(StorageFullError)
})

it('notices a file that was cut after it was opened', async () => {
  const path = join(await temporaryFolder(), 'file')
  await writeFile(path, Buffer.alloc(3_000_000))
  await using source = await fs.open(path)
  await truncate(path, 2_000_000)
  const reading = (async () => {
    for await (const _ of source.stream(0));
  })()
  await expect(reading).rejects.toBeInstanceOf(TruncatedError)
})

it('lists no pipes, which would block whoever opens them, and says where links lead', async () => {
  const folder = await temporaryFolder()
  execFileSync('mkfifo', [join(folder, 'pipe.jpg')])
  await writeFile(join(folder, 'file.jpg'), 'x')
  await symlink(folder, join(folder, 'link'))
  const entries: [string, string | undefined][] = []
  for await (const entry of fs.list(folder)) entries.push([entry.path, entry.linkTarget])
  expect(entries).toEqual([
    [join(folder, 'file.jpg'), undefined],
    [join(folder, 'link'), folder],
  ])
})
