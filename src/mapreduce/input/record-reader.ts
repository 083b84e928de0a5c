import type { InputSplit, ReadContext, RecordReader } from './input-format.js'
import { readMapFile } from './map-file-input.js'
import { onlyRecords } from './only-records.js'
import { readPictureBands, wholePictures } from './picture-band-reader.js'
import { readPictureFiles } from './picture-files.js'
import { readSequenceFile } from './sequence-file-input.js'
import { readText } from './text-reader.js'

/** The reader of a split, whatever its kind. */
export async function openRecordReader(split: InputSplit, context: ReadContext): Promise<RecordReader> {
  const opened = await openReader(split, context)
  const isCut = context.input.bands !== undefined && split.kind !== 'picture-bands'
  const reader = isCut ? wholePictures(opened, split) : opened
  return split.only ? onlyRecords(reader, split.only) : reader
}

async function openReader(split: InputSplit, context: ReadContext): Promise<RecordReader> {
  switch (split.kind) {
    case 'picture-files':
      return readPictureFiles(split, context)
    case 'picture-bands':
      return readPictureBands(split, context)
    case 'sequence-file':
      return readSequenceFile(split, context)
    case 'map-file':
      return readMapFile(split, context)
    case 'text':
    case 'text-files':
      return readText(split, context)
  }
}
