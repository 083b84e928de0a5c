import { Option } from 'commander'
import { z } from 'zod'
import { flagName, type Job } from '../mapreduce/job.js'

/** What a JSON schema says of one param, as far as a flag shows it. */
interface ParamSchema {
  type?: string
  enum?: unknown[]
  items?: ParamSchema
  default?: unknown
  description?: string
  minimum?: number
  maximum?: number
  anyOf?: ParamSchema[]
}

/** The flags of a job's params: names, help, and defaults all come from its zod schema. */
export function paramOptions(job: Job): Option[] {
  const schema = z.toJSONSchema(job.params, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, ParamSchema>
    required?: string[]
  }
  return Object.entries(schema.properties ?? {}).flatMap(([param, of]) => {
    const required = schema.required?.includes(param) ?? false
    const help = describe(of, required)
    const flag = `--${flagName(param)}`
    if (of.type === 'boolean') {
      // A switch that is on by default needs a way to be off.
      return of.default === true ? [new Option(`--no-${flagName(param)}`, help)] : [new Option(flag, help)]
    }
    if (of.type === 'array') return [new Option(`${flag} <values...>`, help).argParser(appendTo(of.items))]
    return [new Option(`${flag} <${placeholder(of)}>`, help).argParser((text: string) => readValue(text, of))]
  })
}

/** The params that the command line gave, by their own names; what it did not give is left to the schema. */
export function givenParams(job: Job, values: Record<string, unknown>, isGiven: (name: string) => boolean) {
  const params = Object.keys(job.params.shape).filter(isGiven)
  return Object.fromEntries(params.map((param) => [param, values[param]]))
}

function describe(of: ParamSchema, required: boolean): string {
  const facts: string[] = []
  if (of.enum) facts.push(`one of ${of.enum.join(', ')}`)
  if (of.minimum !== undefined && of.maximum !== undefined && of.maximum < Number.MAX_SAFE_INTEGER) {
    facts.push(`${of.minimum} to ${of.maximum}`)
  } else if (of.minimum !== undefined && of.minimum > Number.MIN_SAFE_INTEGER)
    facts.push(`from ${of.minimum}`)
  if (required) facts.push('required')
  else if (of.default !== undefined && of.default !== false && of.default !== '')
    facts.push(`default ${String(of.default)}`)
  const text = of.description ?? ''
  return facts.length > 0 ? `${text} (${facts.join('; ')})`.trim() : text
}

function placeholder(of: ParamSchema): string {
  if (of.type === 'integer' || of.type === 'number') return 'number'
  return of.enum ? 'name' : 'text'
}

/** A number where the schema wants one; what is none stays text, and the schema says so in its words. */
function readValue(text: string, of: ParamSchema | undefined): unknown {
  const types = of?.anyOf ? of.anyOf.map((each) => each.type) : [of?.type]
  const wantsNumber = types.includes('number') || types.includes('integer')
  return wantsNumber && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

function appendTo(items: ParamSchema | undefined) {
  return (text: string, before: unknown[] | undefined): unknown[] => [
    ...(before ?? []),
    ...text.split(',').map((each) => readValue(each, items)),
  ]
}
