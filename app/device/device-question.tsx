import { collectionLabel } from '#app/collection-label.ts'
import { SentText } from '#app/sent-text.tsx'
import type { Viewer } from '#app/viewer.ts'
import { splitIds } from '#lib/access/narrow.ts'
import type { CollectionId } from '#lib/collection-id.ts'
import { formatNumber, momentInWords } from '#lib/explore/time-text.ts'
import { currentClock } from '#lib/explore/window.ts'
import type { Found } from '#lib/session/device.ts'
import { MAX_TOKEN_DAYS } from '#lib/session/token.ts'

const DEFAULT_DAYS = 7

interface DeviceQuestionProps {
  viewer: Viewer
  found: Extract<Found, { kind: 'found' }>
}

/** Who asks, from where, for what; and the two answers. */
export function DeviceQuestion({ viewer, found: { request, userCode } }: DeviceQuestionProps) {
  const { zone } = currentClock()
  const { own, others } = splitIds(
    viewer.access,
    request.collections ?? [...viewer.access.collections.keys()],
  )
  return (
    <section className="card" aria-label="What the device asks for">
      <p>
        <SentText text={request.client} /> asks to read logs as <SentText text={viewer.session.name} />. That
        is what it calls itself; anybody can take any name.
      </p>
      <dl className="grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1 [&_dt]:text-muted">
        <dt>Code</dt>
        <dd className="font-mono">{userCode}</dd>
        <dt>Asked from</dt>
        <dd className="[overflow-wrap:anywhere]">{request.address || 'an address that is not known'}</dd>
        <dt>Asked at</dt>
        <dd>
          {momentInWords(request.createdAtMs, zone)} ({zone})
        </dd>
        <dt>May read</dt>
        <dd>
          <Wanted viewer={viewer} isAll={request.collections === null} own={own} />
        </dd>
      </dl>
      {others.length > 0 && (
        <p>
          It also asked for {formatNumber(others.length)} {others.length === 1 ? 'collection' : 'collections'}{' '}
          that you may not read, which it does not get: {others.join(', ')}.
        </p>
      )}
      <p>
        Say yes only if you started this yourself just now and the device shows this very code. It then reads
        this for as long as you may, until the days are over, you take its token back, or you sign out of this
        sign-in.
      </p>
      <form method="post" action="/device/decide" className="flex flex-wrap items-end gap-3">
        <input type="hidden" name="user_code" value={userCode} />
        {own.length > 0 && (
          <>
            <label className="field">
              Days
              <input
                name="days"
                type="number"
                min={1}
                max={MAX_TOKEN_DAYS}
                defaultValue={DEFAULT_DAYS}
                required
              />
            </label>
            <button type="submit" name="decision" value="yes" className="button button-primary">
              Yes, let it read
            </button>
          </>
        )}
        <button type="submit" name="decision" value="no" className="button" formNoValidate>
          No
        </button>
      </form>
    </section>
  )
}

function Wanted(props: { viewer: Viewer; isAll: boolean; own: readonly CollectionId[] }) {
  const { viewer, isAll, own } = props
  if (own.length === 0) return 'nothing: what it asked for is not yours to read'
  const names = own.map((id) => collectionLabel(id, viewer.access.collections.get(id)?.name))
  return (
    <>
      {isAll && 'all that you may read, now '}
      {names.join(', ')}
    </>
  )
}
