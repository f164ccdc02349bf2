import type { Redis } from 'ioredis'
import { SOURCE_PATTERN } from '../line/member.ts'
import { CLIENT_FIELDS_KEY } from './keys.ts'
import { answered } from './redis.ts'

/**
 * Which field before the time is the visitor's address, for each source of which `ingest` was told. Lines are stored as
 * they came, so whoever shows an address has to know; a source that is not named here is decided line by line.
 *
 *     ingest:client-fields   HASH   source ('' for none) -> '1' to '9'
 *
 * One hash and not a field of `ingest:source:<source>`: a page of lines is read together with all of this in one round
 * trip, before it is known which sources stand on it, and a download streams lines of sources it never saw beforehand.
 * It is about showing lines only. What a line is, and where it belongs, does not depend on it, so writing it again, or
 * another number, changes no line; the number last written holds for all lines of the source, also those stored before.
 */

/** What {@link parseClientField} takes, in words. */
export const CLIENT_FIELDS_TAKEN = 'a number from 1 to 9'

/** @returns the number of a field before the time, or null where the text is none. */
export function parseClientField(text: string): number | null {
  return /^[1-9]$/.test(text) ? Number(text) : null
}

/** Entries that the portal did not write are left out. */
function parseEntry([source, text]: [string, string]): [string, number][] {
  const clientField = parseClientField(text)
  if (clientField === null || (source !== '' && !SOURCE_PATTERN.test(source))) return []
  return [[source, clientField]]
}

/**
 * @returns source ('' for none) -> number of its visitor's field, from 1.
 * @throws PortalError `store_unavailable`, `store_refused`; `internal` where the key holds something else than a hash.
 */
export async function readClientFields(redis: Redis): Promise<ReadonlyMap<string, number>> {
  const entries = Object.entries(await answered(redis.hgetall(CLIENT_FIELDS_KEY)))
  return new Map(entries.flatMap(parseEntry))
}

/**
 * Keeps or, with null, forgets the number of a source's visitor's field. Errors of the client pass through; doing it
 * twice does no harm.
 */
export async function writeClientField(
  redis: Redis,
  source: string,
  clientField: number | null,
): Promise<void> {
  if (clientField === null) await redis.hdel(CLIENT_FIELDS_KEY, source)
  else await redis.hset(CLIENT_FIELDS_KEY, source, clientField)
}
