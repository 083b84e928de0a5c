import { dirname, join, relative } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { describeError, JobDefinitionError } from '../../errors.js'
import { installedVersion, packageOf } from '../../package-root.js'
import { HOST_PACKAGES } from '../task/loader.js'

/** Modules that a bundle asks its host for instead of holding them. */
const FROM_HOST = new RegExp(`^(?:${HOST_PACKAGES.join('|')})(?:/.*)?$`)

/** A job's code as it travels. */
export interface JobBundle {
  text: string
  /** Versions of the packages that the bundle gets from where it runs, by their names. */
  packages: Record<string, string>
}

/**
 * A user's job as one ES module with all that it imports, so that a worker anywhere needs nothing but the
 * text. `pixelreduce` and native packages stay the worker's own: the bundle asks for them by name.
 * @throws JobDefinitionError with the place of each mistake that esbuild finds.
 */
export async function bundleJob(path: string): Promise<JobBundle> {
  const packages: JobBundle['packages'] = {}
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
      // Where the map's paths begin, wherever the bundle will lie and this was called from.
      absWorkingDir: dirname(path),
      sourceRoot: `${dirname(path)}/`,
      logLevel: 'silent',
      plugins: [hostPackages(packages), nativeAddons(packages)],
      // CommonJS packages inside the bundle may ask for node's own modules.
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
    })
    return { text: outputFiles[0]!.text, packages }
  } catch (error) {
    throw new JobDefinitionError(`Cannot load the job ${path}: ${mistakes(error, dirname(path))}`, {
      cause: error,
    })
  }
}

function hostPackages(packages: JobBundle['packages']): Plugin {
  return {
    name: 'host-packages',
    setup(esbuild) {
      esbuild.onResolve({ filter: FROM_HOST }, ({ path }) => ({ path, namespace: 'host' }))
      esbuild.onLoad({ filter: /.*/, namespace: 'host' }, ({ path }) => {
        const name = HOST_PACKAGES.find((each) => path === each || path.startsWith(`${each}/`))!
        const version = name === 'pixelreduce' ? undefined : installedVersion(name)
        if (version !== undefined) packages[name] = version
        return { contents: `module.exports = ${fromHost(path)}` }
      })
    },
  }
}

/** An addon's file can't be bundled; it is loaded from where it is installed, on another machine by its package. */
function nativeAddons(packages: JobBundle['packages']): Plugin {
  return {
    name: 'native-addons',
    setup(esbuild) {
      esbuild.onLoad({ filter: /\.node$/ }, ({ path }) => {
        const own = `require(${JSON.stringify(path)})`
        const owner = packageOf(path)
        if (!owner) return { contents: `module.exports = ${own}` }
        packages[owner.name] = owner.version
        const there = fromHost(`${owner.name}/${relative(owner.folder, path)}`)
        return { contents: `try { module.exports = ${own} } catch { module.exports = ${there} }` }
      })
    },
  }
}

function fromHost(path: string): string {
  return `globalThis[Symbol.for('pixelreduce.host')](${JSON.stringify(path)})`
}

interface EsbuildMessage {
  text: string
  location: { file: string; line: number; column: number } | null
}

function mistakes(error: unknown, folder: string): string {
  const { errors } = error as { errors?: EsbuildMessage[] }
  if (!errors?.length) return describeError(error)
  return errors
    .map(({ text, location }) =>
      location ? `${join(folder, location.file)}:${location.line}:${location.column + 1}: ${text}` : text,
    )
    .join('; ')
}
