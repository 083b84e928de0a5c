// A job run from a script: node examples/run-from-code.mjs [INPUT [OUTPUT]]
import { fileURLToPath } from 'node:url'
import { runJob } from 'pixelreduce'

const [input = 'examples/images', output = 'out/grey'] = process.argv.slice(2)
const grey = fileURLToPath(new URL('grey.ts', import.meta.url))

const result = await runJob(grey, { input, output, params: { quality: 90 }, overwrite: true })

console.log(`${result.ledger.written} grey pictures in ${result.output}`)
