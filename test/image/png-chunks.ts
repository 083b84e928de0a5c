import { crc32 } from 'node:zlib'

/** Any chunks as a PNG. */
export function encodeChunks(chunks: ReadonlyArray<readonly [type: string, data: Uint8Array]>): Buffer {
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([signature, ...chunks.map(([type, data]) => encodeChunk(type, data))])
}

/** One chunk with its checksum. */
export function encodeChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}

/** 8-bit RGB. */
export function pngHeader(width: number, height: number): Buffer {
  const header = Buffer.from('00000000000000000802000000', 'hex')
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  return header
}
