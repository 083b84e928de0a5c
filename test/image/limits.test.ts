import { describe, expect, test } from 'vitest'
import { LimitError } from '../../src/errors.js'
import { checkLimits, DEFAULT_LIMITS } from '../../src/image/limits.js'
import { Picture } from '../../src/image/picture.js'
import { thumbnail } from '../../src/image/thumbnail.js'
import { animation, bombPng, PHOTOGRAPHS, photograph } from './pictures.js'

/** What `work` throws. */
async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('checkLimits', () => {
  test.each(PHOTOGRAPHS)('lets %s pass', (name) => {
    checkLimits(name, photograph(name), DEFAULT_LIMITS)
  })

  test('refuses a decompression bomb by its header, naming value, limit and flag', async () => {
    const error = await thrownBy(() => thumbnail(new Picture('cam/bomb.png', bombPng())))
    expect(error).toBeInstanceOf(LimitError)
    expect((error as LimitError).message).toBe(
      'Cannot decode "cam/bomb.png": 50000 x 50000 pixels are 2500000000, the limit is 268402689; ' +
        'raise --max-pixels if you trust the picture',
    )
    expect((error as LimitError).details).toEqual({
      key: 'cam/bomb.png',
      value: 2_500_000_000,
      limit: 268_402_689,
      flag: '--max-pixels',
    })
  })

  test.each(['gif', 'webp'] as const)('refuses a %s of too many frames', async (format) => {
    const bytes = await animation(format)
    checkLimits('a', bytes, { ...DEFAULT_LIMITS, maxFrames: 3 })
    const error = await thrownBy(() => checkLimits('a', bytes, { ...DEFAULT_LIMITS, maxFrames: 2 }))
    expect((error as LimitError).message).toBe(
      'Cannot decode "a": it has more than 2 frames, the limit is 2; raise --max-frames if you trust the picture',
    )
  })

  test('refuses too many bytes', async () => {
    const bytes = photograph('coffee.jpg')
    checkLimits('a', bytes, { ...DEFAULT_LIMITS, maxBytes: bytes.length })
    const error = await thrownBy(() => checkLimits('a', bytes, { ...DEFAULT_LIMITS, maxBytes: 65_324 }))
    expect((error as LimitError).message).toBe(
      'Cannot decode "a": it has 65325 bytes, the limit is 65324; raise --max-image-bytes if you trust the picture',
    )
  })

  test('a limit that is raised lets the decoder go further too', async () => {
    const limits = { ...DEFAULT_LIMITS, maxPixels: 600 * 400 }
    await thumbnail(new Picture('a', photograph('coffee.jpg'), limits))
    const error = await thrownBy(() =>
      thumbnail(new Picture('a', photograph('coffee.jpg'), { ...limits, maxPixels: 600 * 400 - 1 })),
    )
    expect(error).toBeInstanceOf(LimitError)
  })
})

test('all frames together are under the pixel limit of the decoder', async () => {
  const limits = { ...DEFAULT_LIMITS, maxPixels: 2 * 32 * 32 }
  const picture = new Picture('a.gif', await animation('gif'), limits)
  await expect(picture.pipeline().raw().toBuffer()).resolves.toBeDefined()
  await expect(picture.pipeline({ animated: true }).raw().toBuffer()).rejects.toThrow('exceeds pixel limit')
})
