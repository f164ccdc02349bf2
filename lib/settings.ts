import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { parseTrustProxy, TRUST_PROXY_TAKEN } from './client-address.ts'
import { DURATIONS_TAKEN, parseDurationSeconds } from './duration.ts'
import { PortalError } from './errors.ts'
import { type Environment, isGiven } from './redis-setting.ts'
import { parseRedisAddress, REDIS_URL_TAKEN } from './store/redis-url.ts'

/**
 * The one reader of the environment, together with `redis-setting.ts`. Each parser takes the environment as an argument, lists every fault at once and
 * returns plain values. Nothing else takes a setting from `process.env`; the few files that hand it on to a parser or to
 * a child process are listed in `import-direction.test.ts`.
 */

/** What makes `npm start` a production start: any of these names, or any that begins with these prefixes. */
const PRODUCTION_NAMES = ['REDIS_URL', 'ACCESS_FILE']
const PRODUCTION_PREFIXES = ['OIDC_', 'NEXTAUTH_']

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost'])
const MIN_SECRET_CHARACTERS = 32
/** Ten years, as in the access file. */
const MAX_RETENTION_DAYS = 3650

/** As browsers take it in a form (HTML, "valid e-mail address"), with a dot in the domain. */
const MAIL_ADDRESS = /^([\w.!#$%&'*+/=?^`{|}~-]+)@([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/i

/** A URL that is https, or http on loopback only. */
const secureUrl = z.string().check((context) => {
  const url = URL.canParse(context.value) ? new URL(context.value) : null
  const accepted =
    url && (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname)))
  if (!accepted)
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: 'takes an https URL (http only on 127.0.0.1, ::1 or localhost)',
    })
})

const origin = secureUrl.check((context) => {
  if (!URL.canParse(context.value)) return
  const url = new URL(context.value)
  if (url.pathname !== '/' || url.search || url.hash || url.username)
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: 'takes an origin without path, such as https://logs.example.org',
    })
})

const redisUrl = z.string().refine((text) => parseRedisAddress(text) !== null, REDIS_URL_TAKEN)

const durationSeconds = z.string().transform((text, context) => {
  const seconds = parseDurationSeconds(text)
  if (seconds !== null) return seconds
  context.issues.push({ code: 'custom', input: text, message: `takes ${DURATIONS_TAKEN}` })
  return z.NEVER
})

/** Seconds, or null for `never`. */
const durationOrNever = z.string().transform((text, context) => {
  const seconds = parseDurationSeconds(text)
  if (seconds !== null) return seconds
  if (text === 'never') return null
  context.issues.push({ code: 'custom', input: text, message: `takes ${DURATIONS_TAKEN}, or never` })
  return z.NEVER
})

const SIZE = /^([1-9][0-9]{0,8})(KiB|MiB|GiB|TiB)$/
const UNIT_BYTES = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const

const sizeBytes = z.string().transform((text, context) => {
  const match = SIZE.exec(text)
  const bytes = match ? Number(match[1]) * UNIT_BYTES[match[2] as keyof typeof UNIT_BYTES] : 0
  if (match && Number.isSafeInteger(bytes)) return bytes
  context.issues.push({
    code: 'custom',
    input: text,
    message: 'takes a size such as 512MiB or 8GiB: a whole number and KiB, MiB, GiB or TiB',
  })
  return z.NEVER
})

const days = z.string().transform((text, context) => {
  const value = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= MAX_RETENTION_DAYS) return value
  context.issues.push({
    code: 'custom',
    input: text,
    message: `takes a whole number of days from 1 to ${MAX_RETENTION_DAYS}`,
  })
  return z.NEVER
})

/** Relative to what would be another folder for each way of starting. */
const absolutePath = z.string().refine((text) => isAbsolute(text), 'takes an absolute path')

const port = z.string().transform((text, context) => {
  const value = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1
  if (value >= 0 && value <= 65535) return value
  context.issues.push({ code: 'custom', input: text, message: 'takes a port number from 0 to 65535' })
  return z.NEVER
})

/** One line on a page; more is a document, and a document has a URL. */
const MAX_CONTACT_CHARACTERS = 200
const CONTACT_FORM = `takes a text of 1 to ${MAX_CONTACT_CHARACTERS} characters in one line, a mail address, or an https or mailto URL`

const contact = z
  .string()
  .trim()
  .min(1, CONTACT_FORM)
  .max(MAX_CONTACT_CHARACTERS, CONTACT_FORM)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, CONTACT_FORM)
  .transform((text): Contact => ({ text, href: contactHref(text) }))

/** What is no mail address and no link of these two kinds is text, so that no other kind of URL ever becomes a link. */
function contactHref(text: string): string | null {
  const [, local, domain] = MAIL_ADDRESS.exec(text) ?? []
  if (local !== undefined) return `mailto:${encodeURIComponent(local)}@${domain}`
  if (!/^(https:\/\/|mailto:)\S+$/i.test(text) || !URL.canParse(text)) return null
  const url = new URL(text)
  return url.username === '' && url.password === '' ? url.href : null
}

const listenSchema = {
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
}

const portalSchema = z.object({
  ...listenSchema,
  REDIS_URL: redisUrl,
  OIDC_ISSUER: secureUrl,
  OIDC_CLIENT_ID: z.string(),
  OIDC_CLIENT_SECRET: z.string(),
  OIDC_AUTH_METHOD: z
    .enum(['client_secret_basic', 'client_secret_post'], 'takes client_secret_basic or client_secret_post')
    .default('client_secret_basic'),
  OIDC_SCOPE: z
    .string()
    .regex(/(^| )openid( |$)/, 'takes scopes separated by blanks, openid among them')
    .default('openid profile email'),
  OIDC_NAME: z.string().default('single sign-on'),
  LOGOUT_TOKEN_TYP: z.enum(['strict', 'any'], 'takes strict or any').default('strict'),
  NEXTAUTH_URL: origin,
  NEXTAUTH_SECRET: z
    .string()
    .min(MIN_SECRET_CHARACTERS, `takes at least ${MIN_SECRET_CHARACTERS} characters`),
  ACCESS_FILE: z.string(),
  CONTACT: contact.optional(),
  SESSION_IDLE: durationSeconds.default(3600),
  AUDIT_DAYS: days.default(365),
  TRUST_PROXY: z
    .string()
    .refine((text) => parseTrustProxy(text) !== null, TRUST_PROXY_TAKEN)
    .default(''),
})

export interface ListenSettings {
  readonly host: string
  readonly port: number
}

export interface OidcSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly authMethod: 'client_secret_basic' | 'client_secret_post'
  /** Scopes, separated by blanks. */
  readonly scope: string
  /** What people call the provider, such as "single sign-on". */
  readonly name: string
}

/** Whom to ask: as it was written, and where it leads when it is a mail address or a link (`mailto:` or `https:`). */
export interface Contact {
  readonly text: string
  readonly href: string | null
}

export interface PortalSettings {
  readonly listen: ListenSettings
  readonly redisUrl: string
  readonly oidc: OidcSettings
  /** The portal's own origin as browsers see it, without a trailing slash. */
  readonly publicOrigin: string
  readonly secret: string
  readonly accessFile: string
  /** Whom to ask for access, or null when nobody is named. */
  readonly contact: Contact | null
  readonly sessionIdleSeconds: number
  /** Days that entries of the audit are kept. */
  readonly auditDays: number
  /** The proxies whose `X-Forwarded-For` is taken, as {@link parseTrustProxy} reads it; empty for none. */
  readonly trustProxy: string
  /** Whether a logout token of the provider has to say in its header that it is one. */
  readonly logoutTokenTyp: 'strict' | 'any'
}

function present(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => isGiven(value)))
}

function parse<T extends z.ZodType>(schema: T, env: Environment): z.output<T> {
  const result = schema.safeParse(present(env))
  if (result.success) return result.data
  const faults = result.error.issues.map((issue) => {
    const name = String(issue.path[0])
    return `${name}: ${present(env)[name] === undefined ? 'is missing' : issue.message}`
  })
  throw new PortalError('bad_settings', { detail: faults.join('\n') })
}

/** Whether the environment asks for a production start: one setting of it given is enough. */
export function isProduction(env: Environment): boolean {
  return Object.keys(present(env)).some(
    (name) =>
      PRODUCTION_NAMES.includes(name) || PRODUCTION_PREFIXES.some((prefix) => name.startsWith(prefix)),
  )
}

/**
 * Everything the portal needs.
 * @throws PortalError `bad_settings`, its detail one line for each setting that is missing or bad. Values are never
 * repeated in it, since some are secrets.
 */
export function parsePortalSettings(env: Environment): PortalSettings {
  const values = parse(portalSchema, env)
  return {
    listen: { host: values.HOST, port: values.PORT },
    redisUrl: values.REDIS_URL,
    oidc: {
      issuer: values.OIDC_ISSUER,
      clientId: values.OIDC_CLIENT_ID,
      clientSecret: values.OIDC_CLIENT_SECRET,
      authMethod: values.OIDC_AUTH_METHOD,
      scope: values.OIDC_SCOPE,
      name: values.OIDC_NAME,
    },
    publicOrigin: new URL(values.NEXTAUTH_URL).origin,
    secret: values.NEXTAUTH_SECRET,
    accessFile: values.ACCESS_FILE,
    contact: values.CONTACT ?? null,
    sessionIdleSeconds: values.SESSION_IDLE,
    auditDays: values.AUDIT_DAYS,
    trustProxy: values.TRUST_PROXY,
    logoutTokenTyp: values.LOGOUT_TOKEN_TYP,
  }
}

/** Where to listen; all that the demo takes from the environment. */
export function parseListenSettings(env: Environment): ListenSettings {
  const values = parse(z.object(listenSchema), env)
  return { host: values.HOST, port: values.PORT }
}

/** What `ingest maintain` needs. */
export interface MaintenanceSettings {
  /** Age in seconds at which lines are sealed, or null for never; 15 minutes where it is not set. */
  readonly sealAfterSeconds: number | null
  /** Days that lines are kept, or null to keep them. A collection's own figure in the access file goes before it. */
  readonly retentionDays: number | null
  readonly memoryBudgetBytes: number | null
  /** An absolute path: where lines are written before they are removed. */
  readonly archiveDir: string | null
  readonly accessFile: string | null
}

/** @throws PortalError `bad_settings`, as {@link parsePortalSettings} */
export function parseMaintenanceSettings(env: Environment): MaintenanceSettings {
  const values = parse(
    z.object({
      SEAL_AFTER: durationOrNever.default(900),
      RETENTION_DAYS: days.optional(),
      MEMORY_BUDGET: sizeBytes.optional(),
      ARCHIVE_DIR: absolutePath.optional(),
      ACCESS_FILE: z.string().optional(),
    }),
    env,
  )
  return {
    sealAfterSeconds: values.SEAL_AFTER,
    retentionDays: values.RETENTION_DAYS ?? null,
    memoryBudgetBytes: values.MEMORY_BUDGET ?? null,
    archiveDir: values.ARCHIVE_DIR ?? null,
    accessFile: values.ACCESS_FILE ?? null,
  }
}

/** The access file's path, or null where it is not set: all that `ingest explain` needs. */
export function parseAccessFileSetting(env: Environment): string | null {
  return parse(z.object({ ACCESS_FILE: z.string().optional() }), env).ACCESS_FILE ?? null
}
