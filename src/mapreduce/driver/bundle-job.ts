import { build, type Plugin } from 'esbuild'
import { describeError, JobDefinitionError } from '../../errors.js'
import { HOST_PACKAGES } from '../task/loader.js'

/** Modules that a bundle asks its host for instead of holding them. */
const FROM_HOST = new RegExp(`^(?:${HOST_PACKAGES.join('|')})(?:/.*)?$`)

/**
 * A user's job as one ES module with all that it imports, so that a worker anywhere needs nothing but the
 * text. `pixelreduce` and native packages stay the worker's own: the bundle asks for them by name.
 * @throws JobDefinitionError with the place of each mistake that esbuild finds.
 */
export async function bundleJob(path: string): Promise<string> {
  try {
    const { outputFiles } = await build({
      entryPoints: [path],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'inline',
      sourcesContent: false,
      logLevel: 'silent',
      plugins: [hostPackages, nativeAddons],
      // CommonJS packages inside the bundle may ask for node's own modules.
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
    })
    return outputFiles[0]!.text
  } catch (error) {
    throw new JobDefinitionError(`Cannot load the job ${path}: ${mistakes(error)}`, { cause: error })
  }
}

const hostPackages: Plugin = {
  name: 'host-packages',
  setup(esbuild) {
    esbuild.onResolve({ filter: FROM_HOST }, ({ path }) => ({ path, namespace: 'host' }))
    esbuild.onLoad({ filter: /.*/, namespace: 'host' }, ({ path }) => ({
      contents: `module.exports = globalThis[Symbol.for('pixelreduce.host')](${JSON.stringify(path)})`,
    }))
  },
}

/** An addon's file can't be bundled; it is loaded from where it is installed. */
const nativeAddons: Plugin = {
  name: 'native-addons',
  setup(esbuild) {
    esbuild.onLoad({ filter: /\.node$/ }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }))
  },
}

interface EsbuildMessage {
  text: string
  location: { file: string; line: number; column: number } | null
}

function mistakes(error: unknown): string {
  const { errors } = error as { errors?: EsbuildMessage[] }
  if (!errors?.length) return describeError(error)
  return errors
    .map(({ text, location }) =>
      location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text,
    )
    .join('; ')
}
