/**
 * Our MapFile reader against Hadoop's own, over the same file in a warm cache, in turn: a scan of 1 GB of
 * 60 KB values, and gets of keys in random order; both sides use the memory of a value again. Then the memory of opening an index of a million entries.
 *
 * Run with: npm run bench -- map-file [rounds, default 7]
 */
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveUri } from '../../src/fs/resolve.js'
import { CHECKSUM_FILE, DATA_FILE, INDEX_FILE, MapFileWriter } from '../../src/io/map-file/index.js'
import { BytesWritable, Text } from '../../src/io/writables/index.js'
import { openMapFile } from '../../src/mapreduce/map-file-folder.js'
import { javaTool } from '../services/hadoop/java.js'

const RECORDS = 17_500
const VALUE_BYTES = 60_000
const LOOKUPS = 5_000
const INDEX_ENTRIES = 1_000_000
const MIB = 1024 * 1024

const keyOf = (record: number) =>
  `cam-${String(Math.floor(record / 300)).padStart(4, '0')}/2026-11-21/${String(record % 300).padStart(6, '0')}.jpg`

async function writeMapFile(
  folder: string,
  records: number,
  valueBytes: number,
  withChecksum: boolean,
  crc = false,
) {
  await mkdir(folder)
  const { fs, path } = resolveUri(folder)
  await using writer = await MapFileWriter.create(
    {
      data: await fs.create(join(path, DATA_FILE), { crc }),
      index: await fs.create(join(path, INDEX_FILE)),
      ...(withChecksum ? { checksum: await fs.create(join(path, CHECKSUM_FILE)) } : {}),
    },
    {
      keyClass: Text.className,
      valueClass: BytesWritable.className,
      syncMarker: Buffer.from('pixelreduce bench'.slice(0, 16)),
    },
  )
  const noise = Buffer.alloc(valueBytes + 4096)
  for (let at = 0, x = 1; at < noise.length; at++) {
    x = (Math.imul(x, 1103515245) + 12345) | 0
    noise[at] = x >>> 16
  }
  for (let record = 0; record < records; record++) {
    const value = noise.subarray(record % 4096, (record % 4096) + valueBytes)
    await writer.append(Text.encode(keyOf(record)), [BytesWritable.prefix(valueBytes), value])
  }
  await writer.close()
}

interface Timed {
  records: number
  valueBytes: number
  seconds: number
}

async function hadoop(...args: string[]): Promise<Timed> {
  const { code, stdout, stderr } = await javaTool('BenchMapFile', args)
  if (code !== 0) throw new Error(`BenchMapFile ended with ${code}: ${stderr}`)
  const { records, valueBytes, seconds } = JSON.parse(stdout)
  return { records, valueBytes, seconds: seconds[0] }
}

/** As Hadoop's side does it: once to warm up, then once timed. */
async function timed(once: () => Promise<Omit<Timed, 'seconds'>>): Promise<Timed> {
  await once()
  const start = performance.now()
  const counted = await once()
  return { ...counted, seconds: (performance.now() - start) / 1000 }
}

async function scan(folder: string): Promise<Omit<Timed, 'seconds'>> {
  const { fs, path } = resolveUri(folder)
  await using file = await openMapFile(fs, path)
  let records = 0
  let valueBytes = 0
  await using scanning = await file.reader.scan({ reuse: true })
  while (await scanning.fill()) {
    for (let record = scanning.next(); record; record = scanning.next()) {
      records++
      valueBytes += BytesWritable.decode(record.value).length
    }
  }
  return { records, valueBytes }
}

async function get(folder: string, keys: readonly string[]): Promise<Timed> {
  const { fs, path } = resolveUri(folder)
  await using file = await openMapFile(fs, path, { reuse: true })
  const serialized = keys.map((key) => Text.encode(key))
  return await timed(async () => {
    let valueBytes = 0
    for (const key of serialized)
      valueBytes += BytesWritable.decode((await file.reader.get(key))!.value).length
    return { records: serialized.length, valueBytes }
  })
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

/** Both sides in turn, so that a machine that slows down slows both. */
async function compare(
  what: string,
  target: string,
  rounds: number,
  theirs: () => Promise<Timed>,
  ours: () => Promise<Timed>,
) {
  const ratios: number[] = []
  const runs: { theirs: Timed; ours: Timed }[] = []
  for (let round = 0; round < rounds; round++) {
    const run = { theirs: await theirs(), ours: await ours() }
    if (run.theirs.records !== run.ours.records || run.theirs.valueBytes !== run.ours.valueBytes)
      throw new Error(
        `Cannot compare: Hadoop read ${JSON.stringify(run.theirs)}, we ${JSON.stringify(run.ours)}`,
      )
    runs.push(run)
    ratios.push(run.theirs.seconds / run.ours.seconds)
  }
  const [hadoopSeconds, ourSeconds] = [
    median(runs.map((run) => run.theirs.seconds)),
    median(runs.map((run) => run.ours.seconds)),
  ]
  const { records, valueBytes } = runs[0]!.ours
  console.log(
    `${what}: Hadoop ${hadoopSeconds.toFixed(3)} s, ours ${ourSeconds.toFixed(3)} s for ${records} records, ${(valueBytes / MIB).toFixed(0)} MiB; ` +
      `ours ${((ourSeconds / records) * 1e6).toFixed(1)} µs a record`,
  )
  console.log(
    `${what} ratio (ours/Hadoop in speed, ${target}; median of ${rounds} pairs): ${median(ratios).toFixed(2)}` +
      `  [${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}]`,
  )
}

/** In a process of its own: what opening and the first lookup add to the memory at its peak. */
async function printOpeningCost(folder: string) {
  const { fs, path } = resolveUri(folder)
  const before = process.resourceUsage().maxRSS
  await using file = await openMapFile(fs, path)
  const found = await file.reader.get(Text.encode(keyOf(INDEX_ENTRIES - 7)))
  if (!found) throw new Error('Cannot measure: the key is not there')
  const entries = (await file.reader.index()).count
  console.log(JSON.stringify({ entries, peakKib: process.resourceUsage().maxRSS - before }))
}

function openingCost(folder: string): { entries: number; peakKib: number } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [process.argv[1]!, '--open', folder], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`Cannot measure opening: ${stderr}`)
  return JSON.parse(stdout)
}

async function main() {
  const rounds = Number(process.argv[2] ?? 7)
  const scratch = await mkdtemp(join(tmpdir(), 'pixelreduce-bench-'))
  try {
    const plain = join(scratch, 'plain')
    await writeMapFile(plain, RECORDS, VALUE_BYTES, false)
    const theirScan = () => hadoop('scan', '--times', '1', plain)
    await compare('scan', 'at least 1.0, target 1.5', rounds, theirScan, () => timed(() => scan(plain)))

    const keys = Array.from({ length: LOOKUPS }, (_, i) => keyOf((i * 7919 + 13) % RECORDS))
    const keysFile = join(scratch, 'keys')
    await writeFile(keysFile, keys.map((key) => `${key}\n`).join(''))
    const theirGet = () => hadoop('get', '--keys', keysFile, '--times', '1', plain)
    await compare('get', 'at least 1.0', rounds, theirGet, () => get(plain, keys))

    // The same records with the sidecars that Hadoop keeps beside local files, which both sides verify.
    await rm(plain, { recursive: true })
    const sidecars = join(scratch, 'sidecars')
    await writeMapFile(sidecars, RECORDS, VALUE_BYTES, false, true)
    await compare(
      'scan with .crc',
      'at least 1.0',
      rounds,
      () => hadoop('scan', '--times', '1', sidecars),
      () => timed(() => scan(sidecars)),
    )
    await compare(
      'get with .crc',
      'at least 1.0',
      rounds,
      () => hadoop('get', '--keys', keysFile, '--times', '1', sidecars),
      () => get(sidecars, keys),
    )

    // The same records with our checksums, which Hadoop does not know: what it costs to verify every value.
    await rm(sidecars, { recursive: true })
    const checked = join(scratch, 'checked')
    await writeMapFile(checked, RECORDS, VALUE_BYTES, true)
    const checkedScan = () => hadoop('scan', '--times', '1', checked)
    await compare('verified scan', 'no target', Math.min(3, rounds), checkedScan, () =>
      timed(() => scan(checked)),
    )
    const checkedGet = () => hadoop('get', '--keys', keysFile, '--times', '1', checked)
    await compare('verified get', 'no target', Math.min(3, rounds), checkedGet, () => get(checked, keys))
    await rm(checked, { recursive: true })

    const many = join(scratch, 'many')
    await writeMapFile(many, INDEX_ENTRIES, 0, false)
    const indexBytes = statSync(join(many, INDEX_FILE)).size
    const { entries, peakKib } = openingCost(many)
    const limitMib = 100 + (2 * indexBytes) / MIB
    console.log(
      `opening ${entries} index entries (${(indexBytes / MIB).toFixed(1)} MiB on disk) adds ${(peakKib / 1024).toFixed(0)} MiB at its peak (less than 100 MiB and twice the index is asked: ${limitMib.toFixed(0)})`,
    )
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

await (process.argv[2] === '--open' ? printOpeningCost(process.argv[3]!) : main())
