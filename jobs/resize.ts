import { defineJob, encodingParams, resize, z } from 'pixelreduce'

const pixels = z.number().int().min(1).max(65535)

export default defineJob({
  name: 'resize',
  description: 'Bring every picture to another size, in its own format or another.',
  params: z
    .object({
      width: pixels.optional().describe('width of the box, in pixels (default: as the height makes it)'),
      height: pixels.optional().describe('height of the box, in pixels (default: as the width makes it)'),
      scale: z
        .number()
        .positive()
        .max(10000)
        .optional()
        .describe('instead of a box: percent of the own size'),
      fit: z
        .enum(['inside', 'cover', 'contain', 'fill', 'outside'])
        .default('inside')
        .describe('how the picture meets the box'),
      kernel: z
        .enum(['nearest', 'linear', 'cubic', 'mitchell', 'lanczos2', 'lanczos3'])
        .default('lanczos3')
        .describe('what pixels are weighted with'),
      enlarge: z.boolean().default(false).describe('let pictures smaller than the box grow to it'),
      ...encodingParams,
    })
    .refine(
      ({ width, height, scale }) => (scale === undefined) !== (width === undefined && height === undefined),
      {
        message: 'expected either --width, --height or both, or --scale',
      },
    ),
  async map(image, { params, emit }) {
    await emit(image.key, await resize(image, params))
  },
})
