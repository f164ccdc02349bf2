import { parseArgs } from 'node:util'
import { type CollectionId, parseCollectionId } from '#lib/collection-id.ts'
import { DURATIONS_TAKEN, parseDurationSeconds } from '#lib/duration.ts'
import { PortalError } from '#lib/errors.ts'
import { SOURCE_PATTERN } from '#lib/line/member.ts'
import { CLIENT_FIELDS_TAKEN, parseClientField } from '#lib/store/client-fields.ts'

/** Which field before the time is the visitor's: a number from 1, decided line by line, or as an earlier run was told. */
export type ClientField = number | 'by line' | 'as kept'

/** What the command line asks for. */
export type Command =
  | { verb: 'help' }
  | { verb: 'read'; source: string; clientField: ClientField; json: boolean; waitSeconds: number }
  | { verb: 'maintain'; everySeconds: number | null; json: boolean; waitSeconds: number }
  | {
      verb: 'backfill'
      /** Paths as given, by source. */
      sources: ReadonlyMap<string, readonly string[]>
      clientField: ClientField
      json: boolean
      waitSeconds: number
    }
  | { verb: 'print'; collection: CollectionId; from: string | undefined; to: string | undefined }
  /** `user`: the path of a person's claims as JSON, or `-` for standard input. */
  | { verb: 'explain'; user: string; collection: CollectionId; json: boolean }

export const HELP = `Reads access logs into the portal's store.

  npm run -s ingest -- [OPTIONS] < access.log       reads a log from standard input, to its end
  npm run -s ingest -- maintain [--every 30s]       compresses settled lines, and checks that all are there
  npm run -s ingest -- backfill NAME=FILE…          reads a server's old logs from files, several times faster
  npm run -s ingest -- print ID [--from T --to T]   writes a collection's lines to standard output
  npm run -s ingest -- explain --user CLAIMS.json --collection ID
                                                    says whether a person may read a collection, and why

Options of reading
  --source NAME     the web server's log, such as web1: letters, digits, '.', '_', '-', 32 at most; without it lines are
                    stored under no server's name, which is not the same as under one
  --format NAME     auto (default), clf, combined or vhost; a line's collection is the number that ends it. With auto, clf
                    and combined a first field such as www.example.org:443 is a virtual host, and the visitor's address
                    is the second; with vhost the first is one also without a port
  --client-field N  which of the fields before the time is the visitor's address, 1 to 9, where a load balancer's comes
                    first; quotes are seen, and of a list in X-Forwarded-For the first is taken. Pages and downloads show
                    it for all lines of the source, until a run says something else; clf and combined without it forget it
  --json            the summary as one JSON object
  --wait SECONDS    how long to try to reach Redis before giving up, and to wait for its replicas to have the lines (30)

Options of maintain
  --every DURATION  one round after the other, beginning so far apart (30s, 5m), until it is told to stop; without it one
  --json            what was done as one JSON object
  --wait SECONDS    how long to try to reach Redis, and to wait while another maintain is at work (30)

Sealing            maintain moves lines older than SEAL_AFTER (15m; never: it leaves all as they came) by their own time
                   into compressed segments, once 4,096 of a collection are, or the oldest is 24 hours old. Nothing that
                   is read changes by it. Let one run all the time; several do no harm
Files of backfill  plain, gzip or zstd by their content, in any order: all files of a NAME are one log, so give them in one
                   run. A FILE may be a pattern; files without NAME= belong to the name before: web1=/srv/old/access.log*
                   It takes --format, --client-field, --json and --wait as reading does. Lines go into segments at once;
                   small ones are joined by maintain. A file that breaks off is named, and read as far as it goes

Times of print     --from alone: 15m, 6h, 2d, 'last 3 hours'; today, yesterday; '14:00 - 14:30', '2026-11-23 13:55 - 14:55'
                   --from and --to: 2026-11-23, 2026-11-23T13:55:07, the same with Z or +02:00, 14:00, 'yesterday 9:30',
                   '[23/Nov/2026:13:55:00 -0500]', epoch seconds, now-90m, now-1d/d (rounded down to the day)
                   A window holds its first moment and not its last; without these it is all that is kept

Options of explain
  --user FILE       what single sign-on says about the person, as JSON: the claims of an ID token or of userinfo; - reads
                    standard input. Values are repeated only where the access file looks
  --collection ID   1 to 20 digits
  --json            the answer as one JSON object, with 'allowed'
                    It reads ACCESS_FILE, else the demo's while that runs, and asks no Redis. The exit code is 0 whatever
                    the answer is

Redis              REDIS_URL, else the demo's while it runs, else redis://127.0.0.1:6379

                   several addresses with commas between them are nodes of a cluster; redis+sentinel://host:port,…/name
                   asks sentinels for the master

Exit codes         0 done, 1 some lines were rejected, or maintain found a fault in a collection, 2 usage or settings,
                   3 Redis or the source is unavailable, no replica confirmed the last lines, or another maintain is at work

A log sent again, whole or in part, stores nothing twice: a line is known by its bytes, its source and how many equal
lines came before it. Two limits follow. Pieces of one log sent in separate runs that do not overlap can merge equal
lines of one second that the cut went between; send the log from its start ('tail -n +1 -F'). Two logs sent under one
source name merge their equal lines. A last line without a line end is taken as it stands, and said; a connection that
breaks within a line leaves such a piece.
`

const FORMATS = ['auto', 'clf', 'combined', 'vhost']
/** In a line that begins with a virtual host. */
const CLIENT_FIELD_OF_VHOST = 2

function usage(detail: string): never {
  throw new PortalError('bad_usage', {
    detail: `${/[.:!?]$/.test(detail) ? detail : `${detail}.`} See: npm run -s ingest -- --help`,
  })
}

/** @throws PortalError `bad_usage`, naming the argument and what is accepted. */
export function parseCommand(args: readonly string[]): Command {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return usage(error instanceof Error ? `${error.message.split('\n')[0]}` : String(error))
  }
  const { values, positionals, tokens } = parsed
  const given = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []))
  const twice = given.find((name, index) => given.indexOf(name) < index)
  // The later one would win in silence, and a wrong source is not easily undone.
  if (twice) return usage(`--${twice} is given more than once.`)
  if (values.help) return { verb: 'help' }
  const [verb, ...rest] = positionals
  if (verb === undefined) return readCommand(values)
  if (verb === 'print') return printCommand(values, rest)
  if (verb === 'maintain') return maintainCommand(values, rest)
  if (verb === 'backfill') return backfillCommand(values, rest)
  if (verb === 'explain') return explainCommand(values, rest)
  return usage(
    `Unknown verb '${verb}': this version takes backfill, explain, maintain, print, or no verb to read standard input.`,
  )
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    tokens: true,
    options: {
      source: { type: 'string' },
      format: { type: 'string' },
      'client-field': { type: 'string' },
      json: { type: 'boolean' },
      wait: { type: 'string' },
      every: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      user: { type: 'string' },
      collection: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

type Values = ReturnType<typeof parse>['values']

function refuseOthers(values: Values, verb: string, taken: readonly string[]): void {
  const other = Object.keys(values).find((name) => !taken.includes(name))
  if (other) usage(`--${other} is not an option of ${verb}, which takes --${taken.join(', --')}.`)
}

function readCommand(values: Values): Command {
  refuseOthers(values, 'reading', ['source', 'format', 'client-field', 'json', 'wait'])
  const { source = '' } = values
  if (values.source !== undefined && !SOURCE_PATTERN.test(source))
    usage(`--source '${source}': takes 1 to 32 letters, digits, '.', '_' or '-'.`)
  return { verb: 'read', source, ...howToRead(values) }
}

function howToRead(values: Values): { clientField: ClientField; json: boolean; waitSeconds: number } {
  const { format = 'auto', json = false, wait = '30' } = values
  if (!FORMATS.includes(format)) usage(`--format '${format}': this version takes ${FORMATS.join(', ')}.`)
  const clientField = readClientField(format, values['client-field'])
  return { clientField, json, waitSeconds: readWait(wait) }
}

function readWait(text: string): number {
  if (!/^[0-9]{1,6}$/.test(text)) usage(`--wait '${text}': takes whole seconds.`)
  return Number(text)
}

function backfillCommand(values: Values, rest: readonly string[]): Command {
  refuseOthers(values, 'backfill', ['format', 'client-field', 'json', 'wait'])
  const sources = new Map<string, string[]>()
  let paths: string[] | undefined
  for (const argument of rest) {
    const equals = argument.indexOf('=')
    const name = argument.slice(0, Math.max(0, equals))
    // What has a slash before its '=' is a path.
    const isNamed = equals >= 0 && !name.includes('/')
    if (isNamed && !SOURCE_PATTERN.test(name))
      usage(`backfill '${argument}': a name takes 1 to 32 letters, digits, '.', '_' or '-'.`)
    if (isNamed) paths = sources.get(name) ?? []
    if (isNamed && paths) sources.set(name, paths)
    const path = isNamed ? argument.slice(equals + 1) : argument
    if (path === '') usage(`backfill '${argument}': a file has to follow the '='.`)
    if (!paths) return usage(`backfill '${argument}': whose log is it? Give it as web1=${argument}.`)
    paths.push(path)
  }
  if (sources.size === 0) usage('backfill takes files, such as web1=/srv/old/access.log.1.gz.')
  return { verb: 'backfill', sources, ...howToRead(values) }
}

function readClientField(format: string, text: string | undefined): ClientField {
  if (text === undefined)
    return format === 'auto' ? 'as kept' : format === 'vhost' ? CLIENT_FIELD_OF_VHOST : 'by line'
  const number = parseClientField(text) ?? usage(`--client-field '${text}': takes ${CLIENT_FIELDS_TAKEN}.`)
  if (format === 'vhost')
    usage(
      `--client-field ${text} and --format vhost both say which field is the visitor's: vhost means ${CLIENT_FIELD_OF_VHOST}. Give one of them.`,
    )
  return number
}

function maintainCommand(values: Values, rest: readonly string[]): Command {
  refuseOthers(values, 'maintain', ['every', 'json', 'wait'])
  if (rest.length > 0) usage(`maintain takes options only, not '${rest.join(' ')}'.`)
  const { every, json = false, wait = '30' } = values
  const everySeconds =
    every === undefined
      ? null
      : (parseDurationSeconds(every) ?? usage(`--every '${every}': takes ${DURATIONS_TAKEN}.`))
  return { verb: 'maintain', everySeconds, json, waitSeconds: readWait(wait) }
}

function printCommand(values: Values, rest: readonly string[]): Command {
  refuseOthers(values, 'print', ['from', 'to'])
  const [text, ...more] = rest
  const collection = parseCollectionId(text)
  if (!collection || more.length > 0)
    return usage(`print takes one collection id of 1 to 20 digits, not '${rest.join(' ')}'.`)
  return { verb: 'print', collection, from: values.from, to: values.to }
}

function explainCommand(values: Values, rest: readonly string[]): Command {
  refuseOthers(values, 'explain', ['user', 'collection', 'json'])
  if (rest.length > 0) usage(`explain takes options only, not '${rest.join(' ')}'.`)
  const { user, collection: text, json = false } = values
  if (user === undefined || user === '')
    return usage(
      "explain takes --user CLAIMS.json, a file with the person's claims, or - for standard input.",
    )
  const collection = parseCollectionId(text)
  if (!collection)
    return usage(
      text === undefined
        ? 'explain takes --collection ID.'
        : `--collection '${text}': takes an id of 1 to 20 digits that does not begin with 0.`,
    )
  return { verb: 'explain', user, collection, json }
}
