const codecs: Record<string, string> = {
  '.gz': 'gzip',
  '.deflate': 'deflate',
  '.bz2': 'bzip2',
  '.zst': 'zstd',
  '.snappy': 'snappy',
  '.lz4': 'lz4',
}

/**
 * Short name of the codec that a file is compressed with by its extension, as Hadoop's
 * CompressionCodecFactory tells it; undefined for any other file.
 */
export function codecOfFile(path: string): string | undefined {
  const extension = /\.[a-z0-9]+$/.exec(path)?.[0]
  return extension !== undefined && Object.hasOwn(codecs, extension) ? codecs[extension] : undefined
}
