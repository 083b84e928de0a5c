/** In pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** The ways in which a picture meets a box. */
export const FITS = ['inside', 'cover', 'contain', 'fill', 'outside'] as const
export type Fit = (typeof FITS)[number]

export interface FitOptions {
  fit: Fit
  /** Whether a picture smaller than the box grows to it. */
  enlarge: boolean
}

/**
 * The size that a picture of a size comes to; of halves sharp may take the other pixel. Of a box with one side, and
 * one at least must be given, the other follows.
 */
export function fittedSize(size: Size, box: Partial<Size>, { fit, enlarge }: FitOptions): Size {
  const across = box.width === undefined ? undefined : box.width / size.width
  const down = box.height === undefined ? undefined : box.height / size.height
  const scaled = (x: number, y: number): Size => {
    const most = enlarge ? Number.POSITIVE_INFINITY : 1
    return {
      width: Math.max(1, Math.round(size.width * Math.min(x, most))),
      height: Math.max(1, Math.round(size.height * Math.min(y, most))),
    }
  }
  if (across === undefined || down === undefined) {
    const scale = (across ?? down)!
    return scaled(scale, scale)
  }
  const [width, height] = [box.width!, box.height!]
  const smaller = Math.min(across, down)
  const larger = Math.max(across, down)
  switch (fit) {
    case 'inside':
      return scaled(smaller, smaller)
    case 'outside':
      return scaled(larger, larger)
    case 'fill':
      return scaled(across, down)
    case 'contain':
      return { width, height }
    case 'cover': {
      const covering = scaled(larger, larger)
      return { width: Math.min(width, covering.width), height: Math.min(height, covering.height) }
    }
  }
}
