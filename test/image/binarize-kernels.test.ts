import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineKernel, encodeModule } from '../../src/image/simd/assembler.js'
import { get, i32, loop, set } from '../../src/image/simd/instructions.js'
import { kernelMemory, kernels } from '../../src/image/simd/kernels.js'
import { newLayout } from '../../src/image/simd/layout.js'

/** Runs one kernel on a memory of its own, and returns that. */
function run(kernel: ReturnType<typeof defineKernel>, ...parameters: number[]): DataView {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const module = new WebAssembly.Module(encodeModule({ kernel }))
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  ;(exports as { kernel: (...parameters: number[]) => void }).kernel(...parameters)
  return new DataView(memory.buffer)
}

test('any 32-bit number is assembled, and any offset', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(65_532), (value, offset) => {
      const kernel = defineKernel(['at'], ({ at }) => i32.store(get(at), i32.const(value), offset))
      expect(run(kernel, 0).getInt32(offset, true)).toBe(value)
    }),
    { numRuns: 200 },
  )
})

test('a loop counts from its start to before its end, and not at all where there is nothing', () => {
  const sum = defineKernel(['start', 'end'], ({ start, end }, local) => {
    const counter = local('i32')
    const total = local('i32')
    return [
      ...loop(counter, get(start), get(end), 3, [set(total, i32.add(get(total), get(counter)))]),
      ...i32.store(i32.const(0), get(total)),
    ]
  })
  expect(run(sum, 4, 14).getInt32(0, true)).toBe(4 + 7 + 10 + 13)
  expect(run(sum, 5, 6).getInt32(0, true)).toBe(5)
  expect(run(sum, 5, 5).getInt32(0, true)).toBe(0)
  expect(run(sum, 6, 5).getInt32(0, true)).toBe(0)
})

test('the memory grows to what is asked for and keeps what it holds', () => {
  new Uint8Array(kernelMemory(100))[7] = 42
  const large = kernelMemory(5_000_001)
  expect(large.byteLength).toBeGreaterThanOrEqual(5_000_001)
  expect(new Uint8Array(large)[7]).toBe(42)
  expect(kernelMemory(3)).toBe(large)
  expect(kernels()).toBe(kernels())
})

test('places in it do not meet, with room for what kernels reach behind them', () => {
  const layout = newLayout()
  const [first, second, third] = [layout.place(1), layout.place(0), layout.place(100)] as const
  expect([first, second, third].map((address) => address % 16)).toEqual([0, 0, 0])
  expect(second).toBeGreaterThanOrEqual(first + 1 + 16)
  expect(third).toBeGreaterThanOrEqual(second + 16)
  expect(layout.length).toBeGreaterThanOrEqual(third + 100 + 16)
})
