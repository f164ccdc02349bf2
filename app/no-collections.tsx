import { type ClaimFound, claimsSeen, type Shown } from '#lib/access/claims-seen.ts'
import { formatNumber, momentInWords } from '#lib/explore/time-text.ts'
import { currentClock } from '#lib/explore/window.ts'
import { CLAIMS_MAX_AGE_MS } from '#lib/session/current.ts'
import type { Contact } from '#lib/settings.ts'
import { context } from './context.ts'
import { SentText } from './sent-text.tsx'
import type { Viewer } from './viewer.ts'

const REFRESH_MINUTES = CLAIMS_MAX_AGE_MS / 60_000

/**
 * For somebody who is signed in and may read nothing: that it is so, what single sign-on said about them, what of it
 * gave nothing and why, and whom to ask. Written for people who know neither groups nor claims.
 */
export function NoCollections({ viewer }: { viewer: Viewer }) {
  const { access, settings } = context()
  const { session } = viewer
  const seen = claimsSeen(session.claims, access.current())
  const { zone } = currentClock()
  return (
    <section className="card [&_h2]:mt-4">
      <h1>No collection is open to you</h1>
      <p>
        You are signed in as <SentText text={session.name} />, and nothing that {settings.oidc.name} says
        about you gives access to a collection.
      </p>
      <WhomToAsk contact={settings.contact} />
      <h2>Where the portal looked</h2>
      <p>
        Whoever you ask can see from this what is missing. A collection opens to you when one of these lists
        names it.
      </p>
      {seen.found.map((found) => (
        <Found key={found.claim} found={found} />
      ))}
      {seen.morePaths > 0 && <p>And {formatNumber(seen.morePaths)} more places where the portal looked.</p>}
      {viewer.access.notes.length > 0 && (
        <ul aria-label="What gave nothing" className="list-disc pl-5">
          {viewer.access.notes.map((note) => (
            <li key={note}>
              <SentText text={note} />
            </li>
          ))}
        </ul>
      )}
      <h2>What was sent about you</h2>
      <p>
        {seen.names.texts.length === 0 ? 'Nothing.' : 'Only the names are shown: '}
        <Texts shown={seen.names} />
      </p>
      <p className="text-muted">
        Sent {momentInWords(session.checkedAtMs, zone)} ({zone}). The portal asks again after at most{' '}
        {REFRESH_MINUTES} minutes; sign out and in again to have it ask at once.
      </p>
    </section>
  )
}

function WhomToAsk({ contact }: { contact: Contact | null }) {
  if (!contact) return <p>Ask whoever runs this portal, or the owner of the collection you need.</p>
  return (
    <p>
      Whom to ask for access:{' '}
      {contact.href === null ? contact.text : <a href={contact.href}>{contact.text}</a>}
    </p>
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
