/** The public API: what a job's author and a caller from code import. */
export { z } from 'zod'
export type { JobHandle } from './engines/job-handle.js'
export { type ChainOptions, type ChainStep, runChain } from './engines/run-chain.js'
export { runJob, submitJob } from './engines/run-job.js'
export * from './errors.js'
export type { Band } from './image/band/band.js'
export { type BandRows, type JoinedPicture, ownRows } from './image/band/band-rows.js'
export {
  BAND_METHODS,
  type BandThresholdOptions,
  binarizeBand,
  binarizeOverlap,
} from './image/band/binarize-band.js'
export { type BandBinarizeOptions, encodeBinarized } from './image/band/encode-binarized.js'
export { type BandEncodingOptions, encodeRows } from './image/band/encode-rows.js'
export { type BandResizeOptions, resizeBand, resizeOverlap } from './image/band/resize-band.js'
export { binarizeParams, thresholdParams } from './image/binarize/binarize-params.js'
export { type BinarizeOptions, binarize } from './image/binarize.js'
export { type ContactSheetOptions, contactSheets, type SheetPicture } from './image/contact-sheet.js'
export { type ConvertedPicture, type ConvertOptions, convert } from './image/convert.js'
export { type CropOptions, crop } from './image/crop.js'
export { keyWithFormat, keyWithPart } from './image/derived-key.js'
export type { EncodingOptions } from './image/encode.js'
export {
  backgroundParam,
  encodingParams,
  keepMetadataParam,
  qualityParam,
  writingParams,
} from './image/encoding-params.js'
export { type ExifFacts, type ExifOptions, exif } from './image/exif.js'
export { hashParams, radiusOf, radiusParam } from './image/hash/hash-params.js'
export { type HashMethod, type HashOptions, type ImageHash, imageHash } from './image/hash/image-hash.js'
export { type ColorHistogram, colorHistogram, histogramSummand, plotHistogram } from './image/histogram.js'
export type { ImageLimits } from './image/limits.js'
export { type MeanOptions, meanPicture, meanSummand } from './image/mean.js'
export { Picture } from './image/picture.js'
export { type ResizeOptions, resize } from './image/resize.js'
export { type RotateOptions, rotate } from './image/rotate.js'
export { type PictureStats, stats } from './image/stats.js'
export {
  type SizedThumbnail,
  type ThumbnailOptions,
  type ThumbnailStyle,
  thumbnail,
  thumbnails,
} from './image/thumbnail.js'
export { deepZoomTiles, type Tile, type TileOptions } from './image/tiles.js'
export * from './io/writables/index.js'
export { type MaxBad, parseMaxBad } from './mapreduce/driver/bad-record-limit.js'
export type { JobEvent, JobResult } from './mapreduce/driver/events.js'
export type { RunOptions } from './mapreduce/driver/options.js'
export {
  type BandPicture,
  bandedPictures,
  bandParams,
  type InputDefinition,
  keyValueTextInput,
  nLineInput,
  recordInput,
  type StoredRecordOf,
  type TextRecord,
  textInput,
} from './mapreduce/input/input-definition.js'
export {
  defineJob,
  type Job,
  type JobDefinition,
  type MapContext,
  type MapJobDefinition,
  type OutputDefinition,
  type OutputFormat,
  type ReduceContext,
  type ReduceJobDefinition,
  type ShuffleDefinition,
} from './mapreduce/job.js'
export type { Ledger } from './mapreduce/ledger.js'
export { type AccessLogLine, parseAccessLogLine } from './mapreduce/lib/access-log.js'
export { hashRecords, onceEachHash } from './mapreduce/lib/duplicates/hash-records.js'
export { type NearDuplicates, nearDuplicates } from './mapreduce/lib/duplicates/near-duplicates.js'
export { groupOf, groupParam, inGroup } from './mapreduce/lib/group-template.js'
export { addPackedIntegers, packIntegers } from './mapreduce/lib/packed-integers.js'
export { bandShuffle, emitBand, joinBands } from './mapreduce/lib/picture-bands.js'
export { sumLongs, sumPackedIntegers } from './mapreduce/lib/sums.js'
export { groupByFirst, partitionByFirst, splitTextPair, textPair } from './mapreduce/lib/text-pair.js'
export type { SuccessFile, SuccessPart } from './mapreduce/output/success-file.js'
