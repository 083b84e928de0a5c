import {
  backgroundParam,
  defineJob,
  keepMetadataParam,
  keyWithPart,
  qualityParam,
  thumbnail,
  thumbnails,
  z,
} from 'pixelreduce'

const pixels = z.number().int().min(1).max(16384)

export default defineJob({
  name: 'thumbnail',
  description: 'Make a small version of every picture.',
  params: z.object({
    size: pixels.default(256).describe('box that the thumbnail fits, in pixels'),
    sizes: z.array(pixels).min(1).optional().describe('several boxes at once, in pixels, as 64,256,1024'),
    fit: z
      .enum(['inside', 'cover', 'contain', 'fill', 'outside'])
      .default('inside')
      .describe('how the picture meets the box'),
    format: z.enum(['jpeg', 'png', 'webp', 'avif']).default('jpeg').describe('format of the thumbnails'),
    quality: qualityParam,
    background: backgroundParam,
    enlarge: z.boolean().default(false).describe('let pictures smaller than the box grow to it'),
    keepMetadata: keepMetadataParam,
  }),
  async map(image, { params, emit }) {
    if (!params.sizes) return emit(image.key, await thumbnail(image, params))
    for (const { size, bytes } of await thumbnails(image, params.sizes, params)) {
      await emit(keyWithPart(image.key, size), bytes)
    }
  },
})
