/**
 * The built-in word count over generated text with two workers, against the same job in Hadoop Streaming's
 * local runner with a mapper and a reducer of the shell, in turn.
 *
 * Run with: npm run bench -- word-count [megabytes, default 500]
 */
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { hadoopClasspath } from '../services/hadoop/jars.js'
import { runCommand } from '../services/run-command.js'

const LINES = 20_000
const WORDS_A_LINE = 12

/** Words of which few are frequent, as in a language. */
function writeText(folder: string, megabytes: number): void {
  if (existsSync(folder)) return
  mkdirSync(folder)
  const file = openSync(join(folder, 'text.txt'), 'w')
  let x = 1
  const random = () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return x / 2 ** 32
  }
  for (let written = 0; written < megabytes * 1024 * 1024; ) {
    let text = ''
    for (let line = 0; line < LINES; line++) {
      for (let word = 0; word < WORDS_A_LINE; word++) text += `w${Math.floor(50_000 ** random())} `
      text += '\n'
    }
    written += writeSync(file, text)
  }
  closeSync(file)
}

async function seconds(program: string, args: string[]): Promise<number> {
  const start = performance.now()
  const { code, stderr } = await runCommand(program, args)
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr.slice(-2000)}`)
  return (performance.now() - start) / 1000
}

const megabytes = Number(process.argv[2] ?? 500)
const scratch = mkdtempSync(join(tmpdir(), 'pixelreduce-bench-'))
try {
  const input = join(tmpdir(), `pixelreduce-words-${megabytes}`)
  writeText(input, megabytes)
  const ours = await seconds('node', [
    ...['dist/bin/run-job.cjs', 'word-count', '--input', input, '--output', join(scratch, 'ours')],
    ...['--workers', '2', '--progress', 'none'],
  ])
  const theirs = await seconds('java', [
    ...['-cp', [await hadoopClasspath()].join(delimiter), 'org.apache.hadoop.streaming.HadoopStreaming'],
    ...['-D', 'mapreduce.framework.name=local', '-D', 'fs.defaultFS=file:///'],
    ...['-D', `hadoop.tmp.dir=${join(scratch, 'tmp')}`, '-D', 'mapreduce.job.reduces=1'],
    ...['-input', input, '-output', join(scratch, 'theirs')],
    ...['-mapper', "tr -s '[:space:]' '\\n'", '-reducer', 'uniq -c'],
  ])
  console.log(
    `word count of ${megabytes} MB: Hadoop Streaming ${theirs.toFixed(1)} s, ours ${ours.toFixed(1)} s`,
  )
  console.log(`word count ratio (in speed, above 1 is asked): ${(theirs / ours).toFixed(2)}`)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
