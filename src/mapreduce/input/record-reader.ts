import type { InputSplit, ReadContext, RecordReader } from './input-format.js'
import { readMapFile } from './map-file-input.js'
import { readPictureFiles } from './picture-files.js'
import { readSequenceFile } from './sequence-file-input.js'

/** The reader of a split, whatever its kind. */
export async function openRecordReader(split: InputSplit, context: ReadContext): Promise<RecordReader> {
  switch (split.kind) {
    case 'picture-files':
      return readPictureFiles(split, context)
    case 'sequence-file':
      return readSequenceFile(split, context)
    case 'map-file':
      return readMapFile(split, context)
  }
}
