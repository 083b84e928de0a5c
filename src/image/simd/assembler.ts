/**
 * A small assembler for WebAssembly, for the few loops over pixels that need 128-bit vectors: JavaScript has none, and
 * OpenCV's own build uses none. What it makes is assembled and compiled once in a thread, in some milliseconds.
 *
 * Instructions are bytes with the operands before them, as a stack machine reads them, so that they nest like calls:
 * `add(get(x), i32(1))`. Operands of a wrong type are found by the engine's validation when the module is compiled.
 */
export type Code = readonly number[]

export type ValueType = 'i32' | 'f64' | 'v128'

/** A parameter or a variable of a function. */
export interface Local {
  readonly index: number
}

/** A function of addresses and counts, 32-bit integers all of them, that works on the memory. */
export interface WasmKernel {
  readonly parameters: number
  body(parameters: readonly Local[], local: DeclareLocal): Code
}

/** Declares a variable, which begins as zero. */
export type DeclareLocal = (type: ValueType) => Local

export function defineKernel<Name extends string>(
  names: readonly Name[],
  body: (parameters: Readonly<Record<Name, Local>>, local: DeclareLocal) => Code,
): WasmKernel {
  return {
    parameters: names.length,
    body: (parameters, local) => {
      const named = Object.fromEntries(names.map((name, index) => [name, parameters[index]!]))
      return body(named as Record<Name, Local>, local)
    },
  }
}

/**
 * Encodes a module that exports these functions and imports its memory as `env.memory`.
 *
 *     magic      00 'asm', version 01 00 00 00
 *     a section  <id> <length> <data>; numbers are LEB128, a vector is its length and its elements
 *     type 1     for each function: 60 <vector of parameters> <vector of results>
 *     import 2   'env' 'memory' 02 <limits: 00 minimum>
 *     function 3 for each function the index of its type
 *     export 7   for each function: <name> 00 <index>
 *     code 10    for each function: <length> <vector of locals: count 1, type> <body> 0b
 */
export function encodeModule(kernels: Readonly<Record<string, WasmKernel>>): Uint8Array {
  const functions = Object.values(kernels)
  const signatures = functions.map(({ parameters }) => [
    0x60,
    ...vector(new Array(parameters).fill([TYPES.i32])),
    0,
  ])
  const exports = Object.keys(kernels).map((name, index) => [...text(name), 0x00, ...unsigned(index)])
  const bytes = [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(signatures)),
    ...section(2, vector([[...text('env'), ...text('memory'), 0x02, 0x00, 0x01]])),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(exports)),
    ...section(10, vector(functions.map(encodeBody))),
  ]
  return Uint8Array.from(bytes)
}

function encodeBody(fn: WasmKernel): Code {
  const parameters = Array.from({ length: fn.parameters }, (_, index) => ({ index }))
  const locals: ValueType[] = []
  const body = fn.body(parameters, (type) => ({ index: parameters.length + locals.push(type) - 1 }))
  const code = [...vector(locals.map((type) => [1, TYPES[type]])), ...body, 0x0b]
  return [...unsigned(code.length), ...code]
}

const TYPES: Record<ValueType, number> = { i32: 0x7f, f64: 0x7c, v128: 0x7b }

function section(id: number, data: Code): Code {
  return [id, ...unsigned(data.length), ...data]
}

function vector(elements: readonly Code[]): Code {
  return [...unsigned(elements.length), ...elements.flat()]
}

function text(value: string): Code {
  return vector([...value].map((character) => [character.charCodeAt(0)]))
}

/** LEB128: seven bits a byte, the lowest first; the high bit says that more follow. */
export function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/** LEB128 with a sign: the last byte's bit 6 is the sign of the number. */
export function signed(value: number): Code {
  const isLast = value >= -0x40 && value < 0x40
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}
