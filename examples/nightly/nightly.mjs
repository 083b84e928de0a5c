// The nightly batch: node nightly.mjs ARCHIVE OUTPUT [YYYY-MM-DD]; README.md tells the rest.
import { createHash } from 'node:crypto'
import { createServer } from 'node:net'
import { submitJob } from 'pixelreduce'

const [archive, output, day = yesterday()] = process.argv.slice(2)
if (!archive || !output || !/^\d{4}-\d\d-\d\d$/.test(day)) {
  console.error('Usage: node nightly.mjs ARCHIVE OUTPUT [YYYY-MM-DD]')
  process.exit(2)
}
const folder = `${output}/${day}`

// Each job resumes: it goes on where a killed run left it, and a finished one is left as it is.
const JOBS = [
  { job: 'pack', input: `${archive}/${day}`, output: `${folder}/packed` },
  { job: 'thumbnail', input: `${folder}/packed`, output: `${folder}/thumbnails`, params: { size: 256 } },
]

const summary = (await takeLock(folder)) ? await runJobs() : { day, status: 'running already', exitCode: 0 }
console.log(JSON.stringify(summary, null, 2))
process.exitCode = summary.exitCode

async function runJobs() {
  const startMs = Date.now()
  const jobs = []
  let hasWorked = false
  const ended = (status, exitCode, more) => {
    const seconds = Math.round((Date.now() - startMs) / 1000)
    return { day, status, exitCode, seconds, jobs, ...more }
  }
  try {
    for (const { job, ...options } of JOBS) {
      console.error(`${job} of ${day} begins`)
      const handle = await submitJob(job, { ...options, resume: true })
      for await (const event of handle.progress) hasWorked ||= event.type === 'planned'
      const { ledger, badRecords } = await handle.done
      const reasons = badRecords.map(({ reason }) => reason)
      jobs.push({
        job,
        output: options.output,
        in: ledger.read,
        out: ledger.written,
        setAside: ledger.quarantined,
        reasons,
      })
    }
  } catch (error) {
    return ended('failed', error.code === 'USAGE' ? 2 : 1, { error: error.message })
  }
  if (!hasWorked) return ended('finished before', 0)
  const setAside = jobs.reduce((sum, each) => sum + each.setAside, 0)
  return setAside > 0 ? ended('done, with pictures set aside', 3) : ended('done', 0)
}

/**
 * One run of a day at a time. The lock is a socket in Linux's abstract namespace: two can't have one name,
 * and it ends with the process however that ends, so that nothing stale stands in the way of the next.
 */
function takeLock(name) {
  const id = createHash('sha256').update(name).digest('hex')
  const lock = createServer().unref()
  return new Promise((resolve, reject) => {
    lock.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    lock.listen(`\0pixelreduce-nightly-${id}`, () => resolve(true))
  })
}

function yesterday() {
  const date = new Date()
  date.setDate(date.getDate() - 1)
  const two = (number) => String(number).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
