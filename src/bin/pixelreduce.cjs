#!/usr/bin/env node
require('./bootstrap.cjs')
import('../cli/pixelreduce.js').then(({ main }) => main(process.argv.slice(2)))
