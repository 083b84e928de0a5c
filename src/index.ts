/** The public API: what a job's author and a caller from code import. */
export { z } from 'zod'
export type { JobHandle } from './engines/job-handle.js'
export { type ChainOptions, type ChainStep, runChain } from './engines/run-chain.js'
export { runJob, submitJob } from './engines/run-job.js'
export * from './errors.js'
export { type BinarizeOptions, binarize } from './image/binarize.js'
export { type ContactSheetOptions, contactSheets, type SheetPicture } from './image/contact-sheet.js'
export { type ColorHistogram, colorHistogram, histogramSummand, plotHistogram } from './image/histogram.js'
export type { ImageLimits } from './image/limits.js'
export { type MeanOptions, meanPicture, meanSummand } from './image/mean.js'
export type { Picture } from './image/picture.js'
export { type ThumbnailOptions, thumbnail } from './image/thumbnail.js'
export * from './io/writables/index.js'
export { type MaxBad, parseMaxBad } from './mapreduce/driver/bad-record-limit.js'
export type { JobEvent, JobResult } from './mapreduce/driver/events.js'
export type { RunOptions } from './mapreduce/driver/options.js'
export {
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
export { groupOf, groupParam, inGroup } from './mapreduce/lib/group-template.js'
export { addPackedIntegers, packIntegers } from './mapreduce/lib/packed-integers.js'
export { sumLongs, sumPackedIntegers } from './mapreduce/lib/sums.js'
export { groupByFirst, partitionByFirst, splitTextPair, textPair } from './mapreduce/lib/text-pair.js'
export type { SuccessFile, SuccessPart } from './mapreduce/output/success-file.js'
