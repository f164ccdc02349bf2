import { claimsSeen } from '#lib/access/claims-seen.ts'
import type { Contact } from '#lib/settings.ts'
import { ClaimNames, ClaimNotes, ClaimsFound } from './claims-sent.tsx'
import { context } from './context.ts'
import { SentText } from './sent-text.tsx'
import type { Viewer } from './viewer.ts'

/**
 * For somebody who is signed in and may read nothing: that it is so, what single sign-on said about them, what of it
 * gave nothing and why, and whom to ask. Written for people who know neither groups nor claims.
 */
export function NoCollections({ viewer }: { viewer: Viewer }) {
  const { access, settings } = context()
  const { session } = viewer
  const seen = claimsSeen(session.claims, access.current())
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
      <ClaimsFound seen={seen} />
      <ClaimNotes notes={viewer.access.notes} />
      <h2>What was sent about you</h2>
      <ClaimNames seen={seen} checkedAtMs={session.checkedAtMs} />
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
