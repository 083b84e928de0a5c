import type { FileSystem } from '../../fs/file-system.js'
import { joinPath } from '../../fs/path.js'
import type { ByteSink } from '../../io/byte-sink.js'
import { BytesWritable } from '../../io/writables/bytes-writable.js'
import { Text } from '../../io/writables/text.js'
import type { InputRecord } from '../input/input-format.js'
import { PICTURE_CLASSES } from '../record-classes.js'
import { REASONS_FILE } from '../task/layout.js'
import type { BadRecord, OutputSpec, PartReport } from '../task/task.js'
import { storedAs } from './part-file.js'
import { PartWriter } from './part-writer.js'

/** How the quarantine is stored, whatever the output is. */
export function quarantineOutput(output: OutputSpec): OutputSpec {
  return { ...output, ...PICTURE_CLASSES, format: 'mapfile' }
}

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
    private readonly output: OutputSpec,
    private readonly taskId: string,
  ) {
    this.part = new PartWriter(fs, folder, quarantineOutput(output))
  }

  async write(record: InputRecord, bad: BadRecord): Promise<void> {
    const { key, value } = record
    await this.part.write(Text.fromUtf8(key), [BytesWritable.prefix(value.length), value])
    // Beside the folder until that is whole: it may be made anew to sort its records.
    this.reasons ??= await this.fs.create(this.folder + REASONS_FILE, storedAs(this.output))
    const line = { key: bad.key, reason: bad.reason, stage: bad.stage, task: this.taskId }
    await this.reasons.write(Buffer.from(`${JSON.stringify(line)}\n`))
  }

  /** What was set aside; undefined when nothing was, and then there is no folder either. */
  async close(): Promise<PartReport | undefined> {
    const part = await this.part.close()
    if (this.reasons) {
      await this.reasons.close()
      await this.fs.rename(this.folder + REASONS_FILE, joinPath(this.folder, REASONS_FILE))
    }
    return part
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reasons?.abort()
    await this.part[Symbol.asyncDispose]()
  }
}
