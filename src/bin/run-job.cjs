#!/usr/bin/env node
require('./bootstrap.cjs')
import('../cli/run-job.js').then(({ main }) => main(process.argv.slice(2)))
