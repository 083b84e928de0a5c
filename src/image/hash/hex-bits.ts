/** Bits as a hexadecimal number, the first bit the highest: as ImageHash and PDQ print their hashes. */
export function hexOfBits(bits: readonly boolean[]): string {
  let hex = ''
  for (let end = bits.length; end > 0; end -= 4) {
    let digit = 0
    for (let at = Math.max(0, end - 4); at < end; at++) digit = 2 * digit + Number(bits[at])
    hex = digit.toString(16) + hex
  }
  return hex
}
