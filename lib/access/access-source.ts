import { readFileSync, statSync } from 'node:fs'
import { asPortalError, PortalError } from '../errors.ts'
import { type AccessFile, parseAccessFile } from './access-file.ts'

/**
 * The access file as it is now. Every request asks for it, so that a rule that was removed grants nothing from the next
 * request on: a `stat` costs a few microseconds, and the text is read and parsed only when that shows a change.
 *
 * A watcher was not taken: it loses files that an editor replaces by renaming, and it acts some time later.
 *
 * A broken or missing file never takes effect. The last good one stays in force, since refusing everybody for a typing
 * mistake is no safer; that the new rules do not act yet is said in the log, on /healthz and to admins.
 */

export interface AccessSource {
  /** The newest version of the file that was good. Looks at the disk each time. */
  current(): AccessFile
  /** What is wrong with the file as it is on disk, as of the last look; null when it is the one in force. */
  readonly problem: string | null
  /**
   * When the version in force was last changed, epoch milliseconds: as the disk had it at the start, and later when the
   * change was seen.
   */
  readonly changedAtMs: number
}

export interface AccessSourceOptions {
  readonly path: string
  /** Takes one line for each change that was seen. */
  readonly log: (line: string) => void
  /** Told of each change in a few words, without anything out of the file. */
  readonly onChange?: (change: string) => void
  readonly now?: () => number
}

/** Past it the file is not read: it is no access file. */
const MAX_BYTES = 4 * 1024 * 1024

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/**
 * A file changed less than this ago may change again under the same stamp, since the clock of the file system is
 * coarse. Until then its text is compared at each look.
 */
const SETTLED_MS = 2_000

/** @throws PortalError `bad_access_file` when there is no good file to start with. */
export function openAccessSource(options: AccessSourceOptions): AccessSource {
  const { path, log, onChange = () => undefined, now = Date.now } = options
  let stamp: string | null = null
  let text = readText(path)
  let file = parseAccessFile(text)
  let changedAtMs = Number(statOf(path).mtimeMs)
  /** What is wrong with `text`. */
  let fault: string | null = null
  /** What was last said: `fault`, or that the file cannot be read at all. */
  let problem: string | null = null

  /** Whether the last look found another text than the one before. */
  let wasJudged = false

  function judge(changed: string): void {
    wasJudged = true
    text = changed
    try {
      file = parseAccessFile(changed)
      changedAtMs = now()
      fault = null
      log('access file: a new version is in force')
      onChange('a new version of the access file is in force')
    } catch (thrown) {
      fault = asPortalError(thrown).detail ?? 'it cannot be understood'
    }
  }

  /** @returns what is wrong with the file on disk, or null */
  function look(): string | null {
    try {
      const found = stampOf(path, now())
      if (found !== null && found === stamp) return fault
      stamp = null
      const onDisk = readText(path)
      if (onDisk !== text) judge(onDisk)
      stamp = found
      return fault
    } catch (thrown) {
      stamp = null
      return asPortalError(thrown).detail ?? 'it cannot be read'
    }
  }

  return {
    current() {
      wasJudged = false
      const found = look()
      if (found !== null && found !== problem) {
        log(`access file: broken, the last good one stays in force: ${found.replaceAll('\n', '; ')}`)
        onChange('the access file is broken, the last good one stays in force')
      }
      // A file that broke and was mended is a new version, and was logged as one.
      if (found === null && problem !== null && !wasJudged) {
        log('access file: it can be read again, and is the one in force')
        onChange('the access file can be read again, and is the one in force')
      }
      problem = found
      return file
    },
    get problem() {
      return problem
    },
    get changedAtMs() {
      return changedAtMs
    },
  }
}

/**
 * What tells one version of the file from another, or null when it changed so short ago that it does not. Renaming
 * another file over it changes the inode, even where size and time are the same.
 */
function stampOf(path: string, nowMs: number): string | null {
  const { ino, size, mtimeNs, mtimeMs } = statOf(path)
  return nowMs - Number(mtimeMs) < SETTLED_MS ? null : `${ino} ${size} ${mtimeNs}`
}

/**
 * @throws PortalError also for what is no regular file: reading a pipe would wait for a writer, and the whole portal with it
 */
function readText(path: string): string {
  const stat = statOf(path)
  if (stat.isDirectory()) throw unreadable(path, 'it is a directory')
  if (!stat.isFile()) throw unreadable(path, 'it is no regular file')
  if (stat.size > MAX_BYTES) throw unreadable(path, 'it is larger than 4 MiB')
  const bytes = readBytes(path)
  try {
    return UTF8.decode(bytes)
  } catch (error) {
    // A name in another encoding would silently be another name.
    throw unreadable(path, 'it is not UTF-8', error)
  }
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw unreadable(path, String((error as NodeJS.ErrnoException).code), error)
  }
}

function statOf(path: string) {
  try {
    return statSync(path, { bigint: true })
  } catch (error) {
    throw unreadable(path, String((error as NodeJS.ErrnoException).code), error)
  }
}

function unreadable(path: string, reason: string, cause?: unknown): PortalError {
  return new PortalError('bad_access_file', { detail: `${path} cannot be read (${reason})`, cause })
}
