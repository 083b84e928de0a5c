import type { Picture } from '../../image/picture.js'
import type { Writable } from '../../io/writables/index.js'
import { classesOf } from '../record-classes.js'

/**
 * What the records of a job's input are, as a job names it and as it travels to the tasks. `R` is the type
 * of what `map` is called with.
 */
export interface InputDefinition<R> {
  readonly kind: 'pictures' | 'text' | 'key-value-text' | 'records'
  /** Text: lines of a split at the most, instead of splitting by bytes. */
  readonly linesPerSplit?: number
  /** Key-value text: what stands between key and value. */
  readonly separator?: string
  /** Records: the Java names of the classes that the files must have. */
  readonly keyClass?: string
  readonly valueClass?: string
  /** Never set: it carries the type. */
  readonly record?: R
}

/** A line of text. */
export interface TextRecord {
  /** Where the line begins in its file, in bytes. */
  key: number
  /** The line without its end. */
  value: string
}

/** A record of any MapFile or SequenceFile. */
export interface StoredRecordOf<K, V> {
  key: K
  value: V
}

export const PICTURES: InputDefinition<Picture> = { kind: 'pictures' }

/** Lines of text files, as Hadoop's TextInputFormat: a file is divided at any byte, a compressed one is not. */
export function textInput(): InputDefinition<TextRecord> {
  return { kind: 'text' }
}

/** Lines of text files, at most `lines` of them a map task, as Hadoop's NLineInputFormat. */
export function nLineInput(lines = 1): InputDefinition<TextRecord> {
  return { kind: 'text', linesPerSplit: lines }
}

/**
 * Lines divided in two at the first separator, as Hadoop's KeyValueTextInputFormat; a line without one is a
 * key with an empty value.
 */
export function keyValueTextInput(separator = '\t'): InputDefinition<StoredRecordOf<string, string>> {
  return { kind: 'key-value-text', separator }
}

/** The records of MapFiles and SequenceFiles of these classes, outputs of other jobs among them. */
export function recordInput<K, V>(
  key: Writable<K>,
  value: Writable<V>,
): InputDefinition<StoredRecordOf<K, V>> {
  return { kind: 'records', ...classesOf({ key, value }) }
}
