import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import { SentText } from '#app/sent-text.tsx'
import { sessionCookieValue, sessionDeps, type Viewer } from '#app/viewer.ts'
import { formatNumber, momentInWords } from '#lib/explore/time-text.ts'
import { currentClock } from '#lib/explore/window.ts'
import { type OwnSession, ownSessions } from '#lib/session/own-sessions.ts'

/** Shown; the rest is counted, and can be ended all the same. */
const MAX_SESSIONS = 50

/** Where one is signed in, and the way to end it there. */
export async function Sessions({ viewer, path }: { viewer: Viewer; path: string }) {
  const { zone } = currentClock()
  try {
    const { sessions, more } = await ownSessions(viewer.session, await sessionCookieValue(), sessionDeps())
    const hidden = Math.max(0, sessions.length - MAX_SESSIONS) + more
    return (
      <section>
        <h2>Where you are signed in</h2>
        <p className="text-muted">Times in {zone}.</p>
        <section
          className="overflow-x-auto"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
          tabIndex={0}
          aria-label="Your sessions"
        >
          <table className="counts">
            <thead>
              <tr>
                <th scope="col">Browser</th>
                <th scope="col">Address at sign-in</th>
                <th scope="col">Signed in</th>
                <th scope="col">Last used</th>
                <th scope="col">Groups confirmed</th>
                <th scope="col">End it</th>
              </tr>
            </thead>
            <tbody>
              {sessions.slice(0, MAX_SESSIONS).map((session) => (
                <Row key={session.handle} session={session} zone={zone} />
              ))}
            </tbody>
          </table>
        </section>
        {hidden > 0 && (
          <p>
            Up to {formatNumber(hidden)} more {hidden === 1 ? 'is' : 'are'} not shown; the button below ends
            them too.
          </p>
        )}
        {(sessions.length > 1 || hidden > 0) && (
          <form action="/account/sessions" method="post" className="mt-2">
            <button type="submit" name="end" value="others" className="button">
              End all others
            </button>
          </form>
        )}
      </section>
    )
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry={path} />
  }
}

function Row({ session, zone }: { session: OwnSession; zone: string }) {
  const { handle, isCurrent, browser, address, createdAtMs, lastSeenAtMs, checkedAtMs } = session
  return (
    <tr>
      <td>
        <SentText text={browser ?? 'not told'} />
        {isCurrent && <strong> (this one)</strong>}
      </td>
      <td data-name="Address at sign-in">{address ?? 'not told'}</td>
      <td data-name="Signed in">{momentInWords(createdAtMs, zone)}</td>
      <td data-name="Last used">{momentInWords(lastSeenAtMs, zone)}</td>
      <td data-name="Groups confirmed">{momentInWords(checkedAtMs, zone)}</td>
      <td data-name="End it">
        {isCurrent ? (
          'by signing out'
        ) : (
          <form action="/account/sessions" method="post">
            <input type="hidden" name="session" value={handle} />
            <button type="submit" name="end" value="one" className="button">
              End
            </button>
          </form>
        )}
      </td>
    </tr>
  )
}
