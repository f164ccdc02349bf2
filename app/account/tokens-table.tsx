import { collectionLabel } from '#app/collection-label.ts'
import { SentText } from '#app/sent-text.tsx'
import type { Viewer } from '#app/viewer.ts'
import { splitIds } from '#lib/access/narrow.ts'
import type { CollectionId } from '#lib/collection-id.ts'
import { momentInWords } from '#lib/explore/time-text.ts'
import type { TokenHolder } from '#lib/session/token.ts'
import type { StoredToken } from '#lib/store/tokens.ts'

interface TokensTableProps {
  tokens: readonly StoredToken[]
  holder: TokenHolder | null
  viewer: Viewer
  zone: string
}

/** Each token with what it reads, its times, and a button that takes it back. */
export function TokensTable({ tokens, holder, viewer, zone }: TokensTableProps) {
  if (tokens.length === 0) return <p className="text-muted">You have no tokens.</p>
  return (
    <section
      className="overflow-x-auto"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
      tabIndex={0}
      aria-label="Your tokens"
    >
      <table className="counts">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Reads</th>
            <th scope="col">Made ({zone})</th>
            <th scope="col">Expires</th>
            <th scope="col">Last used</th>
            <th scope="col">
              <span className="sr-only">Take back</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.digest}>
              <td>
                <SentText text={token.name} />
              </td>
              <td data-name="Reads">
                <Reads ids={token.collections} viewer={viewer} />
              </td>
              <td data-name="Made">
                {momentInWords(token.createdAtMs, zone)}, {token.origin === 'device' ? 'by a device' : 'here'}
                {token.sid === holder?.sid ? ', in this sign-in' : ', in another sign-in'}
              </td>
              <td data-name="Expires">{momentInWords(token.expiresAtMs, zone)}</td>
              <td data-name="Last used">
                {token.lastUsedAtMs === null ? 'never' : momentInWords(token.lastUsedAtMs, zone)}
              </td>
              <td>
                <form method="post" action="/account/tokens/revoke">
                  <input type="hidden" name="token" value={token.digest} />
                  <button type="submit" className="button">
                    Revoke<span className="sr-only"> {token.name}</span>
                  </button>
                </form>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Reads({ ids, viewer }: { ids: readonly CollectionId[] | null; viewer: Viewer }) {
  if (ids === null) return 'all that you may read'
  const { own, others } = splitIds(viewer.access, ids)
  return [
    ...own.map((id) => collectionLabel(id, viewer.access.collections.get(id)?.name)),
    ...others.map((id) => `${id}, which you may not read now`),
  ].join('; ')
}
