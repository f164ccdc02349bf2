import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { openAccessSource } from '#lib/access/access-source.ts'
import { type Explanation, explainAccess } from '#lib/access/explain.ts'
import { answerInWords, reasonsInWords, shownInWords } from '#lib/access/explain-text.ts'
import { PortalError } from '#lib/errors.ts'
import { STEERING_ALL } from '#lib/explore/visible-html.ts'
import { claimsAsKept } from '#lib/session/claims.ts'
import { parseAccessFileSetting } from '#lib/settings.ts'
import { EXIT, environment, say } from './command-line.ts'
import { demoUrl } from './connection.ts'
import type { Command } from './options.ts'

/** `explain`: whether a person may read a collection, by the access file as it is now. No Redis is asked. */

const DEMO_ACCESS_FILE = join(import.meta.dirname, '..', 'e2e/demo/access.yaml')

/** @returns the exit code, which does not depend on the answer */
export async function explain(command: Extract<Command, { verb: 'explain' }>): Promise<number> {
  const { user, collection, json } = command
  const path = await chooseAccessFile()
  say(`access file ${path}`)
  const file = openAccessSource({ path, log: say }).current()
  const found = explainAccess({ claims: claimsAsKept(await readClaims(user)), file, collection })
  process.stdout.write(json ? `${explanationJson(found)}\n` : explanationText(found))
  return EXIT.done
}

async function chooseAccessFile(): Promise<string> {
  const given = parseAccessFileSetting(environment)
  if (given !== null) return given
  if ((await demoUrl()) !== null) return DEMO_ACCESS_FILE
  throw new PortalError('bad_settings', {
    detail:
      "ACCESS_FILE: is missing, and no demo runs whose access file could be meant; takes the file's path",
  })
}

async function readClaims(path: string): Promise<unknown> {
  const text = path === '-' ? await textOf(process.stdin) : await readText(path)
  try {
    // A file saved on Windows may begin with a byte order mark, which is no JSON.
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    // The parser's own words repeat a piece of the claims.
    throw badUser(
      path,
      'is not JSON; takes the claims of an ID token or of userinfo, decoded, as one JSON object',
    )
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw badUser(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function badUser(path: string, fault: string): PortalError {
  return new PortalError('bad_usage', { detail: `--user '${path}': ${fault}.` })
}

/** One line of JSON; what would steer a terminal is escaped as JSON has it. */
function explanationJson(found: Explanation): string {
  return JSON.stringify(found).replace(STEERING_ALL, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      const unit = character.charCodeAt(index).toString(16).padStart(4, '0')
      return `\\u${unit}`
    }).join(''),
  )
}

function explanationText(found: Explanation): string {
  const { seen, notes, admin } = found
  const lines = [
    answerInWords(found),
    ...reasonsInWords(found),
    ...(admin ? ['An admin by these claims: counts of all collections, no raw lines.'] : []),
    'Where the access file looks:',
    ...seen.found.map((claim) => `  ${claim.claim}: ${shownInWords(claim)}`),
    ...(seen.morePaths > 0 ? [`  and ${seen.morePaths} more places`] : []),
    `Claims sent, names only: ${shownInWords(seen.names)}`,
    ...(notes.length > 0 ? ['What the person is told:', ...notes.map((note) => `  ${note}`)] : []),
  ]
  return lines.map((line) => `${visible(line)}\n`).join('')
}

function visible(line: string): string {
  return line.replace(STEERING_ALL, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
