import type { TestProject } from 'vitest/node'
import { type HdfsAddress, startHdfs } from './hdfs.js'
import { startRedis } from './redis.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The HDFS of the whole run, two DataNodes, blocks of 1 MiB. Tests keep to folders of their own. */
    hdfs: HdfsAddress
    /** The URL of the Redis of the whole run. Tests keep to key prefixes of their own. */
    redis: string
  }
}

/** Starts the services that test files share, once per run; a test that kills or fills starts its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [hdfs, redis] = await Promise.allSettled([startHdfs(), startRedis()])
  const stop = async () => {
    for (const service of [hdfs, redis]) if (service.status === 'fulfilled') await service.value.stop()
  }
  if (hdfs.status === 'rejected' || redis.status === 'rejected') {
    await stop()
    throw hdfs.status === 'rejected' ? hdfs.reason : (redis as PromiseRejectedResult).reason
  }
  project.provide('hdfs', hdfs.value.address)
  project.provide('redis', redis.value.url)
  return stop
}
