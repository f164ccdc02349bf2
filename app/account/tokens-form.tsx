'use client'

import { useActionState } from 'react'
import { SentText } from '#app/sent-text.tsx'
import { momentInWords } from '#lib/explore/time-text.ts'
import type { Making } from './tokens-action.ts'

interface TokensFormProps {
  /** What makes a token; on the server. */
  make: (before: Making, form: FormData) => Promise<Making>
  collections: readonly { readonly id: string; readonly name: string }[]
  maxDays: number
  zone: string
  /** The address of a download, for the example. */
  example: string
}

const NOTHING_YET: Making = { name: '', days: '30', isAll: true, ticked: [], made: null, problem: null }

/** Makes a token and shows it, once. Without JavaScript the same form is answered by the whole page. */
export function TokensForm({ make, collections, maxDays, zone, example }: TokensFormProps) {
  const [state, act] = useActionState(make, NOTHING_YET)
  // Not beside the form: that sends back what came of it before, the token included.
  if (state.made !== null) return <Made {...state} made={state.made} zone={zone} example={example} />
  return (
    <form action={act} className="card flex flex-col items-start gap-1" aria-label="Make a token">
      <h3 className="font-semibold">Make a token</h3>
      <div role="status">{state.problem !== null && <p className="notice">{state.problem}</p>}</div>
      <label className="field">
        Name, such as the script it is for
        <input name="name" required maxLength={64} defaultValue={state.name} autoComplete="off" />
      </label>
      <fieldset className="flex max-w-full flex-col items-start gap-1" key={`${state.isAll} ${state.ticked}`}>
        <legend className="mb-1 text-muted">It may read</legend>
        <Choice type="radio" name="which" value="all" isChosen={state.isAll}>
          all that I may read, whatever that is at the moment
        </Choice>
        <Choice type="radio" name="which" value="some" isChosen={!state.isAll}>
          only those ticked
        </Choice>
        <div className="max-h-60 max-w-full overflow-y-auto pl-6">
          {collections.map(({ id, name }) => (
            <Choice
              key={id}
              type="checkbox"
              name="collection"
              value={id}
              isChosen={state.ticked.includes(id)}
            >
              {name}
            </Choice>
          ))}
        </div>
      </fieldset>
      <label className="field">
        Days until it expires, at most {maxDays}
        <input name="days" type="number" min={1} max={maxDays} required defaultValue={state.days} />
      </label>
      <button type="submit" className="button button-primary">
        Make the token
      </button>
    </form>
  )
}

interface ChoiceProps {
  type: 'radio' | 'checkbox'
  name: string
  value: string
  isChosen: boolean
  children: string
}

function Choice({ type, name, value, isChosen, children }: ChoiceProps) {
  return (
    <label className="way gap-2 [overflow-wrap:anywhere]">
      <input type={type} name={name} value={value} defaultChecked={isChosen} className="!h-4 !min-h-0" />
      {children}
    </label>
  )
}

function Made(props: Making & { made: NonNullable<Making['made']>; zone: string; example: string }) {
  const { name, made, zone, example } = props
  return (
    <section className="card" aria-label="The new token">
      <h3 className="font-semibold">
        <SentText text={name} />
      </h3>
      <p role="status">This is the token. It is shown this once and kept nowhere: copy it now.</p>
      <p>
        <code className="font-mono break-all select-all">{made.token}</code>
      </p>
      <p>
        It expires {momentInWords(made.expiresAtMs, zone)} ({zone}). To use it, with the token in the variable
        TOKEN:
      </p>
      <pre className="font-mono whitespace-pre-wrap [overflow-wrap:anywhere]">
        {`curl -fOJ -H "Authorization: Bearer $TOKEN" '${example}'`}
      </pre>
      <p>
        <a href="/account" className="button">
          Done
        </a>
      </p>
    </section>
  )
}
