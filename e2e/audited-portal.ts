import { Redis } from 'ioredis'
import type { Browser, Page } from 'playwright/test'
import { parseCollectionId } from '../lib/collection-id.ts'
import { AUDIT_KEY, collectionAuditKey } from '../lib/store/keys.ts'
import { cookieHeader, signIn } from './fixtures.ts'
import { type RunningPortal, startPortal } from './portal.ts'

/** A portal of its own for the tests of the audit, whose entries are theirs alone, and what it wrote down. */

export type Entry = Readonly<Record<string, string>>

export interface AuditedPortal {
  readonly portal: RunningPortal
  readonly redis: Redis
  /** A browser page of somebody who signed in. */
  signedIn(name: string): Promise<Page>
  /** Asks as that page's person would, without a browser; redirects are not followed. */
  ask(page: Page, path: string, init?: RequestInit): Promise<Response>
  /** The entries in Redis, the oldest first: all, or those of a collection. */
  entries(collection?: string): Promise<Entry[]>
  /** The entries that `work` causes, once Redis has as many as standard output. */
  caused(work: () => Promise<unknown>): Promise<Entry[]>
  /** The lines of the audit on standard output so far. */
  printed(): Record<string, unknown>[]
  stop(): Promise<void>
}

const FIRST = '{"audit":'

export async function startAuditedPortal(
  browser: Browser,
  env: Record<string, string> = {},
): Promise<AuditedPortal> {
  const portal = await startPortal({ provider: { rotateRefreshTokens: true }, env })
  const redis = new Redis(portal.redis.url)
  const contexts: { close(): Promise<void> }[] = []

  const printed = () =>
    portal
      .log()
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith(FIRST))
      .map((line): Record<string, unknown> => JSON.parse(line))

  const entries = async (collection?: string) => {
    const id = parseCollectionId(collection)
    const found = await redis.xrange(id ? collectionAuditKey(id) : AUDIT_KEY, '-', '+')
    return found.map(([, fields]) => {
      const entry: Record<string, string> = {}
      for (let at = 0; at < fields.length; at += 2) entry[fields[at] ?? ''] = fields[at + 1] ?? ''
      return entry
    })
  }

  return {
    portal,
    redis,
    printed,
    entries,
    async signedIn(name) {
      const context = await browser.newContext({ baseURL: portal.origin })
      contexts.push(context)
      const page = await context.newPage()
      await page.goto('/signin')
      await signIn(page, name)
      return page
    },
    async ask(page, path, init = {}) {
      const headers = { cookie: await cookieHeader(page), ...init.headers }
      return fetch(`${portal.origin}${path}`, { redirect: 'manual', ...init, headers })
    },
    async caused(work) {
      const before = (await settled(printed, entries)).length
      await work()
      return (await settled(printed, entries)).slice(before)
    },
    async stop() {
      for (const context of contexts) await context.close()
      redis.disconnect()
      await portal.stop()
    },
  }
}

const QUIET_MS = 150
const SETTLED_MS = 10_000

/** Lines come by a pipe and entries behind them: waits until both are as many, and stay so for a moment. */
async function settled(printed: () => readonly unknown[], entries: () => Promise<Entry[]>): Promise<Entry[]> {
  const deadline = Date.now() + SETTLED_MS
  for (let last = -1; ; ) {
    const found = await entries()
    if (found.length === last && found.length === printed().length) return found
    if (Date.now() > deadline) throw new Error(`${printed().length} lines, ${found.length} entries`)
    last = found.length
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
  }
}
