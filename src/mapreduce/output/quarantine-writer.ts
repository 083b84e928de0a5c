import type { FileSystem } from '../../fs/file-system.js'
import { joinPath } from '../../fs/path.js'
import type { ByteSink } from '../../io/byte-sink.js'
import type { InputRecord } from '../input/input-format.js'
import { REASONS_FILE } from '../task/layout.js'
import type { BadRecord, OutputSpec, PartReport } from '../task/task.js'
import { PartWriter } from './part-writer.js'

/**
 * Sets bad records aside: a MapFile with their original keys and bytes, and beside it `_reasons.jsonl`,
 * one object per record in the order of the input. The attempt is not among its fields, so that the file
 * is the same whichever attempt wrote it.
 */
export class QuarantineWriter implements AsyncDisposable {
  private readonly part: PartWriter
  private reasons: ByteSink | undefined

  constructor(
    private readonly fs: FileSystem,
    private readonly folder: string,
    output: OutputSpec,
    private readonly taskId: string,
  ) {
    this.part = new PartWriter(fs, folder, output)
  }

  async write(record: InputRecord, bad: BadRecord): Promise<void> {
    await this.part.write(record.key, record.value)
    this.reasons ??= await this.fs.create(joinPath(this.folder, REASONS_FILE))
    const line = { key: bad.key, reason: bad.reason, stage: bad.stage, task: this.taskId }
    await this.reasons.write(Buffer.from(`${JSON.stringify(line)}\n`))
  }

  /** What was set aside; undefined when nothing was, and then there is no folder either. */
  async close(): Promise<PartReport | undefined> {
    await this.reasons?.close()
    return this.part.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reasons?.abort()
    await this.part[Symbol.asyncDispose]()
  }
}
