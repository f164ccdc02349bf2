import { collectionLabel } from '#app/collection-label.ts'
import { context } from '#app/context.ts'
import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import { sessionCookieValue, sessionDeps, type Viewer } from '#app/viewer.ts'
import { momentInWords } from '#lib/explore/time-text.ts'
import { STEERING_ALL } from '#lib/explore/visible-html.ts'
import { currentClock } from '#lib/explore/window.ts'
import { CLAIMS_MAX_AGE_MS } from '#lib/session/current.ts'
import { listTokens, MAX_TOKEN_DAYS, type TokenHolder, tokenHolder } from '#lib/session/token.ts'
import { makeToken } from './tokens-action.ts'
import { TokensForm } from './tokens-form.tsx'
import { TokensTable } from './tokens-table.tsx'

const MAX_AGE_MINUTES = CLAIMS_MAX_AGE_MS / 60_000
const REPLACEMENT = '\ufffd'

/** The tokens of whoever is signed in, for curl and scripts: what there is, and a form for a new one. */
export async function TokensSection({ viewer }: { viewer: Viewer }) {
  const { zone } = currentClock()
  try {
    const deps = sessionDeps()
    const [tokens, holder] = await Promise.all([
      listTokens(viewer.session, deps),
      tokenHolder(await sessionCookieValue(), deps),
    ])
    const collections = [...viewer.access.collections.values()]
    return (
      <section id="tokens" aria-labelledby="tokens-heading">
        <h2 id="tokens-heading">Tokens for curl and scripts</h2>
        <p className="max-w-[60rem]">
          Whoever holds a token downloads what you may read at that moment, and no more. It ends on its day,
          when you take it back, and with the sign-in it was made in: signing out of that sign-in ends it too.
          A script on a machine without a browser asks for one itself, and you say yes on{' '}
          <a href="/device">the page for devices</a>.
        </p>
        <SignInTerms holder={holder} zone={zone} />
        <TokensTable tokens={tokens} holder={holder} viewer={viewer} zone={zone} />
        {collections.length === 0 ? (
          <p className="notice">No collection is open to you, so there is nothing a token could read.</p>
        ) : (
          <TokensForm
            make={makeToken}
            // A choice is text alone, where no character can be shown as an escape.
            collections={collections.map(({ collection, name }) => ({
              id: collection,
              name: collectionLabel(collection, name).replace(STEERING_ALL, REPLACEMENT),
            }))}
            maxDays={MAX_TOKEN_DAYS}
            zone={zone}
            example={`${context().settings.publicOrigin}/collections/${collections[0]?.collection}/download?from=1h`}
          />
        )}
      </section>
    )
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry="/account" />
  }
}

/** Where the provider gives no way to ask again without the person, what that means for tokens. */
function SignInTerms({ holder, zone }: { holder: TokenHolder | null; zone: string }) {
  if (holder?.endMs == null) return null
  return (
    <p className="notice">
      {context().settings.oidc.name} does not let the portal ask again by itself what you may read. So a token
      works only while its word about you is at most {MAX_AGE_MINUTES} minutes old, which opening a page here
      renews, and ends with this sign-in, at {momentInWords(holder.endMs, zone)} ({zone}).
    </p>
  )
}
