import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { manyPictures } from '../pictures.js'
import { temporaryFolder } from '../temporary-folder.js'

const bin = fileURLToPath(new URL('../../dist/bin/run-job.cjs', import.meta.url))

it('ends with one message and no output when the disk is full', async () => {
  const folder = await temporaryFolder()
  const input = await manyPictures(join(folder, 'in'), 300)
  // A file system of 200 KB, seen by these commands alone; what is left on it is printed at the end.
  const script = `mount -t tmpfs -o size=200k tmpfs "$1" || exit 99
    "$2" "$3" pack -i "$4" -o "$1/out" --progress none; echo "code $?"; ls -A "$1"`
  const { stdout, stderr } = await promisify(execFile)('unshare', [
    '--mount',
    '--map-root-user',
    'sh',
    '-c',
    script,
    'sh',
    await temporaryFolder(),
    process.execPath,
    bin,
    input,
  ])
  expect(stdout).toBe('code 1\n')
  expect(stderr).toMatch(/^run-job: Cannot write .*: no space is left on the device\n$/)
})
