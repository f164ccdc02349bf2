import { SentText } from '#app/sent-text.tsx'
import { formatNumber, momentInWords } from '#lib/explore/time-text.ts'
import type { People, SignedIn } from '#lib/store/people.ts'

/** Who is signed in or has tokens, and the way to end it. */
export function EndSessionsTable({ people: { people, isCut }, zone }: { people: People; zone: string }) {
  return (
    <>
      <h2>Who is signed in</h2>
      <p>
        {formatNumber(people.length)} {people.length === 1 ? 'person is' : 'people are'} signed in or{' '}
        {people.length === 1 ? 'has' : 'have'} tokens
        {isCut && '; there may be more, who are not listed: the store holds more than was looked through'}.
      </p>
      <section
        className="overflow-x-auto"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
        tabIndex={0}
        aria-label="Who is signed in"
      >
        <table className="counts">
          <thead>
            <tr>
              <th scope="col">Person</th>
              <th scope="col">Known by</th>
              <th scope="col" className="number">
                Sessions
              </th>
              <th scope="col" className="number">
                Tokens
              </th>
              <th scope="col">Groups confirmed ({zone})</th>
              <th scope="col">End them</th>
            </tr>
          </thead>
          <tbody>
            {people.map((person) => (
              <Row key={person.key} person={person} zone={zone} />
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}

function Row({ person, zone }: { person: SignedIn; zone: string }) {
  const { name, issuer, subject, sessions, tokens, checkedAtMs } = person
  return (
    <tr>
      <td>
        <SentText text={name} />
      </td>
      <td data-name="Known by">
        <SentText text={subject} />
      </td>
      <td className="number" data-name="Sessions">
        {formatNumber(sessions)}
      </td>
      <td className="number" data-name="Tokens">
        {formatNumber(tokens)}
      </td>
      <td data-name="Groups confirmed">{momentInWords(checkedAtMs, zone)}</td>
      <td data-name="End them">
        <details>
          <summary className="button">
            End all
            <span className="sr-only">
              {' '}
              sessions of <SentText text={name} />
            </span>
          </summary>
          <form action="/admin/access/end-sessions" method="post" className="mt-2 max-w-80">
            <p>
              <SentText text={name} /> is signed out everywhere, all tokens end, and signing in again is
              allowed. What the groups give is changed at single sign-on or in the access file.
            </p>
            <input type="hidden" name="issuer" value={issuer} />
            <input type="hidden" name="subject" value={subject} />
            <button type="submit" className="button button-primary mt-2">
              End {[counted(sessions, 'session'), counted(tokens, 'token')].filter(Boolean).join(' and ')}
            </button>
          </form>
        </details>
      </td>
    </tr>
  )
}

/** @returns the empty text for none */
function counted(count: number, noun: string): string {
  if (count === 0) return ''
  return count === 1 ? `the ${noun}` : `${formatNumber(count)} ${noun}s`
}
