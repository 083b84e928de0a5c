import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Job } from 'pixelreduce'
import { expect, test } from 'vitest'

const names = readdirSync(fileURLToPath(new URL('../../jobs', import.meta.url))).map((file) =>
  file.replace(/\.ts$/, ''),
)

test.each(names)('%s describes itself and each of its params', async (name) => {
  const { default: job } = (await import(`../../jobs/${name}.ts`)) as { default: Job }
  expect(job.name).toBe(name)
  expect(job.description).toMatch(/^[A-Z].*\.$/)
  for (const [param, schema] of Object.entries(job.params.shape)) {
    expect(schema.description, param).toBeTruthy()
  }
})
