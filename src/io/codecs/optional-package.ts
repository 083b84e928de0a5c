import { MissingPackageError } from '../../errors.js'

/**
 * Imports a package that is installed only where somebody needs it.
 * @throws MissingPackageError naming the package and the command that installs it.
 */
export async function importOptional<Module>(name: string, purpose: string): Promise<Module> {
  try {
    const module = await import(name)
    return module.default ?? module
  } catch (cause) {
    throw new MissingPackageError(
      `Cannot use ${purpose}: the package ${name} is not installed or does not load; run "npm install ${name}"`,
      { cause, details: { package: name } },
    )
  }
}
