import { z } from 'zod'
import { describeError, KeyError, UsageError } from '../../errors.js'

const PLACEHOLDER = /\{([^{}]*)\}/g
const REGULAR_EXPRESSION = /^\/(.+)\/([ims]*)$/s

/**
 * The group of a picture by its key. A template says it with `{dir}`, the folder; `{dir:2}`, its first two
 * levels; `{name}`, the file's name without its extension; `{ext}`, the extension. A template
 * `/expression/` takes what the expression's first group matches, or all that it matches. The empty
 * template puts all pictures into one group, whose name is empty.
 * @throws UsageError for a template that is none, KeyError for a key that the expression does not match.
 */
export function groupOf(key: string, template: string): string {
  const [, source, flags] = REGULAR_EXPRESSION.exec(template) ?? []
  if (source !== undefined) {
    const match = expression(source, flags!).exec(key)
    if (match) return match[1] ?? match[0]
    throw new KeyError(`Cannot group ${JSON.stringify(key)}: ${template} does not match it`)
  }
  const levels = key.split('/')
  const file = levels.pop()!
  const dot = file.lastIndexOf('.')
  return template.replace(PLACEHOLDER, (_, placeholder: string) => {
    if (placeholder === 'name') return dot > 0 ? file.slice(0, dot) : file
    if (placeholder === 'ext') return dot > 0 ? file.slice(dot + 1) : ''
    const [, count] = /^dir(?::(\d+))?$/.exec(placeholder) ?? unknownPlaceholder(placeholder)
    return levels.slice(0, count === undefined ? undefined : Number(count)).join('/')
  })
}

/** A param that takes a template of {@link groupOf}. */
export const groupParam = z
  .string()
  .default('')
  .superRefine((template, context) => {
    try {
      const [, source, flags] = REGULAR_EXPRESSION.exec(template) ?? []
      if (source !== undefined) expression(source, flags!)
      else groupOf('', template)
    } catch (error) {
      context.addIssue({ code: 'custom', message: describeError(error) })
    }
  })
  .describe('group by {dir}, {dir:1}, {name}, {ext} or /a regular (expression)/ of the key')

/** A key for what belongs to a group, so that exported it lies in the group's folder. */
export function inGroup(group: string, name: string): string {
  return group === '' ? name : `${group}/${name}`
}

function expression(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags)
  } catch (error) {
    throw new UsageError(`Cannot group by /${source}/${flags}: it is no regular expression`, { cause: error })
  }
}

function unknownPlaceholder(placeholder: string): never {
  throw new UsageError(
    `Cannot group by {${placeholder}}: the placeholders are {dir}, {dir:1}, {name} and {ext}`,
  )
}
