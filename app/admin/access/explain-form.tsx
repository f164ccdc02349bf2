'use client'

import { useActionState } from 'react'
import { SentText } from '#app/sent-text.tsx'
import { answerInWords, reasonsInWords, shownInWords } from '#lib/access/explain-text.ts'
import { momentInWords } from '#lib/explore/time-text.ts'
import type { Answer, Explained } from './explain-action.ts'

interface ExplainFormProps {
  /** What explains; on the server. */
  explain: (before: Explained, form: FormData) => Promise<Explained>
  people: readonly { readonly key: string; readonly name: string }[]
  zone: string
}

const NOTHING_YET: Explained = { collection: '', person: '', claims: '', answer: null, problem: null }

/** Asks why a person may read a collection or not. Without JavaScript the same form is answered by the whole page. */
export function ExplainForm({ explain, people, zone }: ExplainFormProps) {
  const [state, act] = useActionState(explain, NOTHING_YET)
  const { collection, person, claims, answer, problem } = state
  return (
    <section className="card max-w-none" aria-label="Explanation">
      <h2>May this person read this collection?</h2>
      <form action={act} className="flex flex-col items-start gap-3">
        <label className="flex flex-col gap-1 text-muted">
          Collection id
          <input name="collection" inputMode="numeric" required defaultValue={collection} />
        </label>
        <label className="flex max-w-full flex-col gap-1 text-muted">
          Person
          <select name="person" className="max-w-full" key={person} defaultValue={person}>
            <option value="">the claims pasted below</option>
            {people.map(({ key, name }) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label className="flex w-full max-w-3xl flex-col gap-1 text-muted">
          Claims as JSON, such as {'{"groups": ["/hr/owners"]}'}
          <textarea
            name="claims"
            rows={5}
            defaultValue={claims}
            spellCheck={false}
            autoComplete="off"
            className="rounded-md border border-[var(--control)] bg-[var(--bg)] p-2 font-mono text-[var(--text)]"
          />
        </label>
        <button type="submit" className="button button-primary">
          Explain
        </button>
      </form>
      <div role="status">
        {problem !== null && <p className="notice">{problem}</p>}
        {answer !== null && <Answered answer={answer} zone={zone} />}
      </div>
    </section>
  )
}

function Answered({ answer, zone }: { answer: Answer; zone: string }) {
  const { explanation, whose, checkedAtMs } = answer
  const { seen, notes, admin } = explanation
  return (
    <div className="flex flex-col gap-2">
      <h3>
        <SentText text={answerInWords(explanation)} />
      </h3>
      <p className="text-muted">
        {whose === null ? 'By the claims pasted.' : <SentText text={`By the claims of ${whose}`} />}
        {checkedAtMs !== null && `, confirmed ${momentInWords(checkedAtMs, zone)} (${zone}).`}
      </p>
      <Texts label="Why" texts={reasonsInWords(explanation)} />
      {admin && <p>An admin by these claims: counts of all collections, no raw lines.</p>}
      <p>Where the access file looks:</p>
      <Texts
        label="Where the access file looks"
        texts={seen.found.map((found) => `${found.claim}: ${shownInWords(found)}`)}
      />
      {seen.morePaths > 0 && <p>And {seen.morePaths} more places.</p>}
      <p>
        <SentText text={`Claims sent, names only: ${shownInWords(seen.names)}`} />
      </p>
      {notes.length > 0 && <p>What the person is told:</p>}
      <Texts label="What the person is told" texts={notes} />
    </div>
  )
}

function Texts({ label, texts }: { label: string; texts: readonly string[] }) {
  if (texts.length === 0) return null
  return (
    <ul aria-label={label} className="list-disc pl-5">
      {[...new Set(texts)].map((text) => (
        <li key={text}>
          <SentText text={text} />
        </li>
      ))}
    </ul>
  )
}
