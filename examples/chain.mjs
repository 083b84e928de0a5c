// Jobs one after the other: node examples/chain.mjs [INPUT [OUTPUT]]
// What lies between them is gone afterwards.
import { runChain } from 'pixelreduce'

const [input = 'examples/images', output = 'out/overview'] = process.argv.slice(2)

const [binarized, sheets] = await runChain(
  [{ job: 'binarize' }, { job: 'contact-sheet', params: { columns: 4, labels: true } }],
  { input, output, overwrite: true },
)

console.log(
  `${binarized.ledger.written} pictures, ${sheets.ledger.written} sheet in black and white in ${sheets.output}`,
)
