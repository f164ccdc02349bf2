import { asPortalError, type ErrorCode, PortalError } from '#lib/errors.ts'
import { messageOf } from './batch-writer.ts'
import { EXIT, say } from './command-line.ts'
import { type Command, HELP, parseCommand } from './options.ts'

/** The command line: `npm run -s ingest -- [VERB] [OPTIONS]`. */

const EXIT_OF_ERROR: Partial<Record<ErrorCode, number>> = {
  bad_usage: EXIT.usage,
  bad_settings: EXIT.usage,
  bad_parameter: EXIT.usage,
  bad_access_file: EXIT.usage,
}

/** Each verb loads what it needs and no more: to start takes longer than to store ten thousand lines. */
async function run(command: Command): Promise<number> {
  switch (command.verb) {
    case 'help':
      process.stdout.write(HELP)
      return EXIT.done
    case 'maintain':
      return (await import('./maintain-verb.ts')).maintainStore(command)
    case 'backfill':
      return (await import('./backfill-verb.ts')).readFiles(command)
    case 'print':
      return (await import('./print-verb.ts')).print(command)
    case 'explain':
      return (await import('./explain-verb.ts')).explain(command)
    case 'read':
      return (await import('./read-verb.ts')).read(command)
  }
}

/** A reader that wants no more, as `head` does, is no fault; a result that nobody can have is. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  say(`Standard output cannot be written: ${messageOf(error)}`)
  process.exitCode = EXIT.unavailable
})

try {
  process.exitCode = await run(parseCommand(process.argv.slice(2)))
} catch (thrown) {
  const error = asPortalError(thrown)
  const cause = error.cause === undefined ? '' : ` (${messageOf(error.cause)})`
  say(`${error.publicMessage}${cause}`)
  process.exitCode = EXIT_OF_ERROR[error.code] ?? EXIT.unavailable
  if (error instanceof PortalError && error.code === 'internal' && error.cause instanceof Error)
    process.stderr.write(`${error.cause.stack ?? ''}\n`)
}
// Standard input may still be open, and a connection trying to come back: neither is waited for.
process.stdout.write('', () => setImmediate(() => process.exit()))
