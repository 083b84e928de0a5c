import { defineJob, thumbnail, z } from 'pixelreduce'

export default defineJob({
  name: 'thumbnail',
  description: 'Make a small version of every picture.',
  params: z.object({
    size: z.number().int().min(1).max(16384).default(256).describe('box that the thumbnail fits, in pixels'),
    fit: z
      .enum(['inside', 'cover', 'contain', 'fill', 'outside'])
      .default('inside')
      .describe('how the picture meets the box'),
    format: z.enum(['jpeg', 'png', 'webp', 'avif']).default('jpeg').describe('format of the thumbnails'),
    quality: z.number().int().min(1).max(100).default(80).describe('quality of JPEG, WebP and AVIF'),
    background: z
      .string()
      .default('white')
      .describe('CSS colour behind transparent pictures, and of padding'),
    enlarge: z.boolean().default(false).describe('let pictures smaller than the box grow to it'),
    keepMetadata: z.boolean().default(false).describe('keep EXIF, XMP and IPTC'),
  }),
  async map(image, { params, emit }) {
    await emit(image.key, await thumbnail(image, params))
  },
})
