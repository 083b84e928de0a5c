import { inject } from 'vitest'
import { WebHdfsFileSystem } from '../../../src/fs/webhdfs/webhdfs-file-system.js'
import { parseWebHdfsUri } from '../../../src/fs/webhdfs/webhdfs-uri.js'
import { fileSystemContract } from '../../contracts/file-system.js'

fileSystemContract('WebHDFS', async () => {
  const { address } = parseWebHdfsUri(inject('hdfs').webhdfsUri)
  const fs = new WebHdfsFileSystem(address)
  const folder = '/contract'
  await fs.mkdirs(folder)
  return {
    fs,
    folder,
    dispose: async () => {
      await fs.delete(folder, { recursive: true })
      fs.close()
    },
  }
})
