import { FormatError, UsageError } from '../../errors.js'
import { writableFor } from '../../io/writables/index.js'

const PACKAGE = 'org.apache.hadoop.io.'

/**
 * A key as a person types it, serialized: text as it is, numbers in decimal, true or false, an MD5 in hex,
 * bytes and keys of unknown classes in base64, as `dump` shows them.
 * @throws UsageError when the text is no such key.
 */
export function encodeKeyText(keyClass: string, text: string): Uint8Array {
  const name = keyClass.startsWith(PACKAGE) ? keyClass.slice(PACKAGE.length) : keyClass
  try {
    return writableFor(keyClass).encode(parse(name, text))
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof SyntaxError)) throw error
    throw new UsageError(`Cannot look up "${text}": the keys are ${name}, and that is none`, { cause: error })
  }
}

function parse(name: string, text: string): unknown {
  switch (name) {
    case 'Text':
      return text
    case 'LongWritable':
    case 'VLongWritable':
      return BigInt(requirePattern(text, /^[+-]?\d+$/))
    case 'ByteWritable':
    case 'ShortWritable':
    case 'IntWritable':
    case 'VIntWritable':
      return Number(requirePattern(text, /^[+-]?\d+$/))
    case 'FloatWritable':
    case 'DoubleWritable':
      return Number(requirePattern(text, /^([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|NaN|-?Infinity)$/i))
    case 'BooleanWritable':
      return requirePattern(text, /^(true|false)$/) === 'true'
    case 'NullWritable':
      return requirePattern(text, /^null$/) && null
    case 'MD5Hash':
      return Buffer.from(requirePattern(text, /^[0-9a-f]{32}$/i), 'hex')
    default:
      return Buffer.from(requirePattern(text, /^[A-Za-z0-9+/]*={0,2}$/), 'base64')
  }
}

function requirePattern(text: string, pattern: RegExp): string {
  if (pattern.test(text)) return text
  throw new SyntaxError(`"${text}" does not look like one`)
}
