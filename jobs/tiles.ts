import { backgroundParam, deepZoomTiles, defineJob, z } from 'pixelreduce'

export default defineJob({
  name: 'tiles',
  description: 'Cut every picture into a Deep Zoom pyramid of tiles.',
  params: z
    .object({
      tileSize: z.number().int().min(16).max(8192).default(254).describe('sides of a tile, in pixels'),
      overlap: z.number().int().min(0).max(8191).default(1).describe('what neighbours share, in pixels'),
      format: z.enum(['jpeg', 'png', 'webp']).default('jpeg').describe('format of the tiles'),
      quality: z.number().int().min(1).max(100).default(80).describe('quality of JPEG and WebP'),
      background: backgroundParam.describe('CSS colour behind transparent pictures in JPEG'),
      layout: z
        .enum(['plain', 'deepzoom'])
        .default('plain')
        .describe('keys name/level/x_y, or name_files/level/x_y, as viewers look for them'),
    })
    .refine(({ overlap, tileSize }) => overlap < tileSize, {
      path: ['overlap'],
      message: 'expected less than the tile size',
    }),
  async map(picture, { params, emit, progress }) {
    for await (const { key, bytes } of deepZoomTiles(picture, params)) {
      await emit(key, bytes)
      progress()
    }
  },
})
