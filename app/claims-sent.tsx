import type { ClaimFound, ClaimsSeen, Shown } from '#lib/access/claims-seen.ts'
import { formatNumber, momentInWords } from '#lib/explore/time-text.ts'
import { currentClock } from '#lib/explore/window.ts'
import { CLAIMS_MAX_AGE_MS } from '#lib/session/current.ts'
import { SentText } from './sent-text.tsx'

/** What single sign-on said about a person, as that person reads it. */

const REFRESH_MINUTES = CLAIMS_MAX_AGE_MS / 60_000

/** What stands where the access file looks. */
export function ClaimsFound({ seen }: { seen: ClaimsSeen }) {
  return (
    <>
      {seen.found.map((found) => (
        <Found key={found.claim} found={found} />
      ))}
      {seen.morePaths > 0 && <p>And {formatNumber(seen.morePaths)} more places where the portal looked.</p>}
    </>
  )
}

/** What of it gave nothing, and why. */
export function ClaimNotes({ notes }: { notes: readonly string[] }) {
  if (notes.length === 0) return null
  return (
    <ul aria-label="What gave nothing" className="list-disc pl-5">
      {notes.map((note) => (
        <li key={note}>
          <SentText text={note} />
        </li>
      ))}
    </ul>
  )
}

/**
 * The names of all that was sent, and how old it is.
 * @param checkedAtMs when the provider last confirmed it
 */
export function ClaimNames({ seen, checkedAtMs }: { seen: ClaimsSeen; checkedAtMs: number }) {
  const { zone } = currentClock()
  return (
    <>
      <p>
        {seen.names.texts.length === 0 ? 'Nothing.' : 'Only the names are shown: '}
        <Texts shown={seen.names} />
      </p>
      <p className="text-muted">
        Sent {momentInWords(checkedAtMs, zone)} ({zone}). The portal asks again after at most{' '}
        {REFRESH_MINUTES} minutes; sign out and in again to have it ask at once.
      </p>
    </>
  )
}

function Found({ found }: { found: ClaimFound }) {
  return (
    <p>
      <SentText text={found.claim} />: {found.texts.length === 0 ? 'nothing' : <Texts shown={found} />}
    </p>
  )
}

function Texts({ shown }: { shown: Shown }) {
  return (
    <>
      {shown.texts.map((text, index) => (
        <span key={text}>
          {index > 0 && ', '}
          <SentText text={text} />
        </span>
      ))}
      {shown.more > 0 && ` and ${formatNumber(shown.more)} more`}
    </>
  )
}
