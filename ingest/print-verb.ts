import { EXIT, environment, say } from './command-line.ts'
import { chooseRedis, openRedis } from './connection.ts'
import type { Command } from './options.ts'
import { printLines } from './print.ts'

const PRINT_TIMEOUT_MS = 5000

/** @returns the exit code */
export async function print({ collection, from, to }: Extract<Command, { verb: 'print' }>): Promise<number> {
  const choice = await chooseRedis(environment)
  say(`Redis at ${choice.name}`)
  const redis = await openRedis({
    ...choice,
    waitSeconds: PRINT_TIMEOUT_MS / 1000,
    commandTimeoutMs: PRINT_TIMEOUT_MS,
  })
  // Whoever reads may have seen enough, as `head` does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? 0 : EXIT.unavailable),
  )
  await printLines({ redis, collection, from, to, output: process.stdout })
  redis.disconnect()
  return EXIT.done
}
