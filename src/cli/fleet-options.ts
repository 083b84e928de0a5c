import type { Command } from 'commander'
import type { FleetAddress } from '../engines/cluster/redis.js'
import { UsageError } from '../errors.js'

/** Adds the flags that name a fleet. */
export function addFleetOptions(command: Command): Command {
  return command
    .option('--redis <uri>', "the fleet's Redis, such as redis://host:6379 (default: $PIXELREDUCE_REDIS)")
    .option('--fleet <name>', 'name of the fleet, where several share a Redis (default: pixelreduce)')
}

/** The fleet that flags or the environment name; undefined where neither does. */
export function givenFleet(options: Record<string, unknown>): FleetAddress | undefined {
  const { redis = process.env.PIXELREDUCE_REDIS, fleet = process.env.PIXELREDUCE_FLEET } = options as Record<
    string,
    string | undefined
  >
  return redis ? { redis, ...(fleet ? { fleet } : {}) } : undefined
}

/** @throws UsageError when nothing names one. */
export function requireFleet(options: Record<string, unknown>, what: string): FleetAddress {
  const fleet = givenFleet(options)
  if (fleet) return fleet
  throw new UsageError(`Cannot ${what}: say --redis redis://host:6379, or set PIXELREDUCE_REDIS`)
}
