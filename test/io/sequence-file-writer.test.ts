import { describe, expect, test } from 'vitest'
import { MemorySink } from '../../src/io/byte-sink.js'
import { MemorySource } from '../../src/io/byte-source.js'
import {
  createSequenceFileWriter,
  type RawRecord,
  SequenceFileReader,
} from '../../src/io/sequence-file/index.js'
import {
  collect,
  fixture,
  fixtureBytes,
  fixtureNames,
  readFacts,
  type SequenceFileFacts,
  streamSha256,
} from './fixtures.js'

const all = ['seq', 'split', 'cut', 'typed'].flatMap((folder) =>
  fixtureNames(folder, '.seq').map((name) => `${folder}/${name}`),
)

async function rewritten(
  name: string,
): Promise<{ bytes: Uint8Array; positions: number[]; records: RawRecord[] }> {
  const facts = readFacts<SequenceFileFacts>(`${name}.json`)
  const reader = await SequenceFileReader.open(fixture(`${name}.seq`))
  const records = await collect(reader)
  const made = typeof facts.made === 'object' ? facts.made : {}
  const sink = new MemorySink()
  const writer = await createSequenceFileWriter(sink, {
    ...reader.header,
    syncInterval: name.endsWith('sync2000') ? 2000 : made.syncInterval,
    blockSize: made['io.seqfile.compress.blocksize'],
  })
  const positions: number[] = []
  for (const { key, value } of records) {
    positions.push(writer.position)
    await writer.append(key, [value.subarray(0, 3), value.subarray(3)])
  }
  await writer.close()
  return { bytes: sink.bytes, positions, records }
}

describe('writing again what Hadoop wrote', () => {
  test.each(
    all.filter((name) => readFacts(`${name}.json`).compression === 'NONE'),
  )('%s comes out byte by byte the same', async (name) => {
    const { bytes, positions, records } = await rewritten(name)
    expect(Buffer.compare(bytes, fixtureBytes(`${name}.seq`))).toBe(0)
    expect(positions).toEqual(records.map((record) => record.position))
  })

  test.each(
    all.filter((name) => readFacts(`${name}.json`).compression !== 'NONE' && !name.includes('bzip2')),
  )('%s comes out with the same records at the positions that the writer told', async (name) => {
    const { bytes, positions, records } = await rewritten(name)
    const again = await collect(await SequenceFileReader.open(new MemorySource(bytes)))
    expect(streamSha256(again)).toBe(streamSha256(records))
    expect(again.map((record) => record.position)).toEqual(positions)
  })
})
