import { compareUtf8 } from '../../../fs/path.js'
import type { ReduceContext } from '../../job.js'
import { readHashKey } from './hash-records.js'
import { NearHashes } from './near-hashes.js'

/** Pictures that are within the radius of another one of the group, which so hang together. */
export interface NearDuplicates {
  /** The first of the keys, which names the group. */
  group: string
  pictures: number
  /** In the order of their bytes. */
  keys: string[]
  /** In how many bits each one's hash differs from that of the first. */
  distances: number[]
}

type Context = Pick<ReduceContext<unknown>, 'currentKey' | 'progress'>

/**
 * Groups the pictures of {@link hashRecords}, all of which come in one call of `reduce`; in the order of the groups'
 * names. Pictures that are like no other one are in none.
 *
 * In memory are the hashes, each once, some 30 bytes for one of 64 bits; and the keys of the pictures in groups.
 * @param values the pictures' keys, or nothing, each while `context.currentKey` is its key
 * @param radius bits in which two hashes may differ
 */
export async function nearDuplicates(
  values: AsyncIterable<string>,
  radius: number,
  context: Context,
): Promise<NearDuplicates[]> {
  let near: NearHashes | undefined
  for await (const value of values) {
    const { band, hash } = readHashKey(context.currentKey)
    near ??= new NearHashes(hash.length, radius, context.progress)
    if (band === undefined) near.addPicture(hash, value)
    else near.addHash(band, hash)
  }
  if (!near) return []
  const { hashes } = near
  const groups = near.groups().map((found): NearDuplicates => {
    const members = found.keys.map((key, index) => ({ key, hash: found.hashes[index]! }))
    members.sort((a, b) => compareUtf8(a.key, b.key))
    const [first] = members as [(typeof members)[0]]
    return {
      group: first.key,
      pictures: members.length,
      keys: members.map(({ key }) => key),
      distances: members.map(({ hash }) => hashes.distance(first.hash, hash)),
    }
  })
  return groups.sort((a, b) => compareUtf8(a.group, b.group))
}
