#!/usr/bin/env node
const { workers } = require('./bootstrap.cjs')
import('../cli/start.js').then(({ start }) => start(process.argv.slice(2), workers))
