import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { PROJECT_ROOT } from '../../lib/build.ts'
import { isAlive } from '../../lib/child-process.ts'
import { generateProviderKeys, type ProviderKeys } from './identity-provider.ts'

/**
 * What the demo keeps between its runs, in `.data`, readable by its owner only:
 *
 *     redis/               the log lines (append-only file) and Redis's log
 *     secret               NEXTAUTH_SECRET, so that sessions outlive a restart
 *     provider-keys.json   the identity provider's signing keys, for the same reason
 *     provider-state.json  its sessions and tokens, written at an orderly end
 *     demo.json            {redisUrl, pid, address} while the demo runs; `ingest` finds its Redis by it
 */

const FOLDER = join(PROJECT_ROOT, '.data')
const RUNNING_FILE = join(FOLDER, 'demo.json')
const KEYS_FILE = join(FOLDER, 'provider-keys.json')
const STATE_FILE = join(FOLDER, 'provider-state.json')
const SECRET_FILE = join(FOLDER, 'secret')
export const REDIS_FOLDER = join(FOLDER, 'redis')

const CONNECT_TIMEOUT_MS = 1_000

const runningSchema = z.object({ redisUrl: z.url(), pid: z.int().positive(), address: z.url() })
export type RunningDemo = z.infer<typeof runningSchema>

const keysSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) })

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Written beside and renamed, so that nobody ever reads half of it. */
async function writePrivate(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

export async function prepareDataFolder(): Promise<void> {
  await mkdir(REDIS_FOLDER, { recursive: true })
  await chmod(FOLDER, 0o700)
}

/** NEXTAUTH_SECRET, made at the first start. */
export async function keptSecret(): Promise<string> {
  const kept = await readIfThere(SECRET_FILE)
  if (kept) return kept
  const secret = randomBytes(32).toString('base64url')
  await writePrivate(SECRET_FILE, secret)
  return secret
}

export async function keptProviderKeys(): Promise<ProviderKeys> {
  const kept = await readIfThere(KEYS_FILE)
  if (kept !== undefined) return keysSchema.parse(JSON.parse(kept))
  const keys = await generateProviderKeys()
  await writePrivate(KEYS_FILE, JSON.stringify(keys))
  return keys
}

/** Sessions and tokens of the last orderly end, or undefined. */
export function keptProviderState(): Promise<string | undefined> {
  return readIfThere(STATE_FILE)
}

export function keepProviderState(state: string): Promise<void> {
  return writePrivate(STATE_FILE, state)
}

function accepts(url: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: url.hostname, port: Number(url.port) })
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => settle(false))
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}

/** The demo that uses this folder now, or null. A file that a killed demo left behind does not count. */
export async function runningDemo(): Promise<RunningDemo | null> {
  const text = await readIfThere(RUNNING_FILE)
  if (text === undefined) return null
  const { success, data } = runningSchema.safeParse(JSON.parse(text))
  // The pid may belong to somebody else by now, so its Redis must answer too.
  return success && isAlive(data.pid) && (await accepts(new URL(data.redisUrl))) ? data : null
}

export function markRunning(demo: RunningDemo): Promise<void> {
  return writePrivate(RUNNING_FILE, JSON.stringify(demo))
}

export function unmarkRunning(): Promise<void> {
  return rm(RUNNING_FILE, { force: true })
}
