/*
 * libuv reads UV_THREADPOOL_SIZE when its pool is first used, and loading an ES module uses it already: so
 * it is set here, in CommonJS, before any import. Each worker decodes one picture at a time on that pool;
 * the rest of the pool is for reading and writing files meanwhile.
 */
const { availableParallelism } = require('node:os')

const POOL_FOR_FILES = 2
const LIBUV_MAXIMUM = 1024

/** NaN where neither the command line nor the environment says. */
function workers() {
  const { argv, env } = process
  for (let i = 2; i < argv.length; i++) {
    if (argv[i] === '--workers') return Number(argv[i + 1])
    if (argv[i].startsWith('--workers=')) return Number(argv[i].slice('--workers='.length))
  }
  return Number(env.PIXELREDUCE_WORKERS || Number.NaN)
}

const wanted = (workers() || availableParallelism()) + POOL_FOR_FILES

exports.workers = workers()
const given = Number(process.env.UV_THREADPOOL_SIZE) || 0
process.env.UV_THREADPOOL_SIZE = String(Math.min(LIBUV_MAXIMUM, Math.max(wanted, given)))
