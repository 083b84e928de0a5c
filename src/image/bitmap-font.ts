import { RGB_CHANNELS, type RgbPixels } from './rgb.js'

/*
 * A font of 5 x 7 dots for ASCII, so that labels look the same on every machine: sharp would take whatever
 * fonts are installed. A character is five columns of two hexadecimal digits, the lowest bit on top.
 */
const COLUMNS = 5
const ROWS = 7
const FIRST = ' '.charCodeAt(0)
const GLYPHS =
  (
  // biome-ignore format: eight characters a line
  '0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649562050 0005030000 ' + //  !"#$%&'
  '001c224100 0041221c00 2a1c7f1c2a 08083e0808 0050300000 0808080808 0060600000 2010080402 ' + // ()*+,-./
  '3e5149453e 00427f4000 4261514946 2141454b31 1814127f10 2745454539 3c4a494930 0171090503 ' + // 01234567
  '3649494936 064949291e 0036360000 0056360000 0814224100 1414141414 0041221408 0201510906 ' + // 89:;<=>?
  '324979413e 7e1111117e 7f49494936 3e41414122 7f4141221c 7f49494941 7f09090901 3e4149497a ' + // @ABCDEFG
  '7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f020c027f 7f0408107f 3e4141413e ' + // HIJKLMNO
  '7f09090906 3e4151215e 7f09192946 4649494931 01017f0101 3f4040403f 1f2040201f 3f4038403f ' + // PQRSTUVW
  '6314081463 0708700807 6151494543 007f414100 0204081020 0041417f00 0402010204 4040404040 ' + // XYZ[\]^_
  '0001020400 2054545478 7f48444438 3844444420 384444487f 3854545418 087e090102 0c5252523e ' + // `abcdefg
  '7f08040478 00447d4000 2040443d00 7f10284400 00417f4000 7c04180478 7c08040478 3844444438 ' + // hijklmno
  '7c14141408 081414187c 7c08040408 4854545420 043f444020 3c4040207c 1c2040201c 3c4030403c ' + // pqrstuvw
  '4428102844 0c5050503c 4464544c44 0008364100 00007f0000 0041360800 0804081008' // xyz{|}~
).split(' ')

/** Height of a line of text at scale 1, in pixels. */
export const LINE_HEIGHT = ROWS

/** Width of so much text at scale 1, in pixels. */
export function textWidth(characters: number): number {
  return Math.max(0, characters * (COLUMNS + 1) - 1)
}

/**
 * Draws a line of text into pixels, its upper left corner at `left` and `top`; all of it must fit. Accents
 * are left out, what the font has no dots for is drawn as '?'.
 * @param scale pixels a dot
 */
export function drawText(
  pixels: RgbPixels,
  text: string,
  { left, top, scale, color }: { left: number; top: number; scale: number; color: readonly number[] },
): void {
  const { width, data } = pixels
  for (const [index, character] of [...plainText(text)].entries()) {
    const columns = Buffer.from(GLYPHS[character.charCodeAt(0) - FIRST]!, 'hex')
    const x = left + index * (COLUMNS + 1) * scale
    for (let dotY = 0; dotY < ROWS * scale; dotY++) {
      for (let dotX = 0; dotX < COLUMNS * scale; dotX++) {
        if (!((columns[Math.floor(dotX / scale)]! >> Math.floor(dotY / scale)) & 1)) continue
        data.set(color, ((top + dotY) * width + x + dotX) * RGB_CHANNELS)
      }
    }
  }
}

/** Text as the font can show it: one character of ASCII for each. */
export function plainText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[^ -~]/gu, '?')
}
