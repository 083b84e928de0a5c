import { type Code, type Local, signed, unsigned } from './assembler.js'

/** The instructions that the kernels are written in, named as WebAssembly's specification names them. */

type Instruction = (...operands: readonly Code[]) => Code
type MemoryInstruction = (address: Code, offset?: number) => Code

function instruction(opcode: number): Instruction {
  return (...operands) => [...operands.flat(), opcode]
}

/** A load; `offset` in bytes is added to the address. Alignment is only a hint, left at 1. */
function load(...opcode: Code): MemoryInstruction {
  return (address, offset = 0) => [...address, ...opcode, 0, ...unsigned(offset)]
}

function store(...opcode: Code): (address: Code, value: Code, offset?: number) => Code {
  return (address, value, offset = 0) => [...address, ...value, ...opcode, 0, ...unsigned(offset)]
}

/** Vector instructions have a prefix and a longer number. */
function vectorCode(number: number): Code {
  return [0xfd, ...unsigned(number)]
}

function vectorInstruction(number: number): Instruction {
  return (...operands) => [...operands.flat(), ...vectorCode(number)]
}

export function get(local: Local): Code {
  return [0x20, ...unsigned(local.index)]
}

export function set(local: Local, value: Code): Code {
  return [...value, 0x21, ...unsigned(local.index)]
}

/** The first operand where the third is not zero, else the second. */
export const select = instruction(0x1b)

/** Runs `body` for `counter` = `start`, `start + step`, ..., while it is below `end`; both are unsigned. */
export function loop(counter: Local, start: Code, end: Code, step: number, body: readonly Code[]): Code {
  const isBelow = i32.ltU(get(counter), end)
  const advance = set(counter, i32.add(get(counter), i32.const(step)))
  return [
    ...set(counter, start),
    ...[...isBelow, 0x04, 0x40],
    ...[0x03, 0x40, ...body.flat(), ...advance, ...isBelow, 0x0d, 0x00, 0x0b],
    0x0b,
  ]
}

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  load: load(0x28),
  store: store(0x36),
  store16: store(0x3b),
  ltU: instruction(0x49),
  add: instruction(0x6a),
  sub: instruction(0x6b),
  and: instruction(0x71),
  shl: instruction(0x74),
  shrU: instruction(0x76),
}

export const v128 = {
  const: (bytes: readonly number[]): Code => [...vectorCode(0x0c), ...bytes],
  load: load(...vectorCode(0x00)),
  load32Splat: load(...vectorCode(0x09)),
  load64Splat: load(...vectorCode(0x0a)),
  store: store(...vectorCode(0x0b)),
  or: vectorInstruction(0x50),
  xor: vectorInstruction(0x51),
}

export const i8x16 = {
  /** The 16 lanes, of the 32 of both vectors, that make the result. */
  shuffle: (first: Code, second: Code, lanes: readonly number[]): Code => [
    ...first,
    ...second,
    ...vectorCode(0x0d),
    ...lanes,
  ],
  /** Lanes of the first vector by the numbers in the second; those of 16 and above give zero. */
  swizzle: vectorInstruction(0x0e),
  splat: vectorInstruction(0x0f),
  gtU: vectorInstruction(0x28),
  sub: vectorInstruction(0x71),
  bitmask: vectorInstruction(0x64),
  narrowI16x8S: vectorInstruction(0x65),
  narrowI16x8U: vectorInstruction(0x66),
  popcnt: vectorInstruction(0x62),
  addSatU: vectorInstruction(0x70),
}

export const i16x8 = {
  extendLowI8x16U: vectorInstruction(0x89),
  extendHighI8x16U: vectorInstruction(0x8a),
  load8x8U: load(...vectorCode(0x02)),
  splat: vectorInstruction(0x10),
  narrowI32x4S: vectorInstruction(0x85),
  add: vectorInstruction(0x8e),
  sub: vectorInstruction(0x91),
  extaddPairwiseI8x16U: vectorInstruction(0x7d),
}

export const i32x4 = {
  splat: vectorInstruction(0x11),
  extendLowI16x8S: vectorInstruction(0xa7),
  extendHighI16x8S: vectorInstruction(0xa8),
  shl: vectorInstruction(0xab),
  shrS: vectorInstruction(0xac),
  shrU: vectorInstruction(0xad),
  add: vectorInstruction(0xae),
  sub: vectorInstruction(0xb1),
  dotI16x8S: vectorInstruction(0xba),
  extmulLowI16x8S: vectorInstruction(0xbc),
  extmulHighI16x8S: vectorInstruction(0xbd),
  extaddPairwiseI16x8U: vectorInstruction(0x7f),
  leU: vectorInstruction(0x3e),
}

export const f64x2 = {
  gt: vectorInstruction(0x4a),
  abs: vectorInstruction(0xec),
  add: vectorInstruction(0xf0),
  sub: vectorInstruction(0xf1),
  mul: vectorInstruction(0xf2),
  /** The greater; of a NaN and a number the first operand. One instruction, unlike `max`. */
  pmax: vectorInstruction(0xf7),
  convertLowI32x4S: vectorInstruction(0xfe),
  convertLowI32x4U: vectorInstruction(0xff),
}
