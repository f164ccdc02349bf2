import type { CollectionId } from '#lib/collection-id.ts'
import { type ExplorerQuery, viewParameters, windowHref } from '#lib/explore/query.ts'
import { inputMoment, inputsTellWindow, momentInWords } from '#lib/explore/time-text.ts'
import type { Clock } from '#lib/explore/window.ts'

/** `from` of each preset, and what it is called. The first moment there is stands for all that is kept. */
const PRESETS = [
  ['15m', 'Last 15 min'],
  ['1h', 'Last hour'],
  ['6h', 'Last 6 hours'],
  ['today', 'Today'],
  ['yesterday', 'Yesterday'],
  ['0', 'All that is kept'],
] as const
const DEFAULT_PRESET = '1h'

interface TimeMenuProps {
  collection: CollectionId
  query: ExplorerQuery
  clock: Clock
  open: boolean
}

/** The window: by a preset, in words, or between two moments. */
export function TimeMenu({ collection, query, clock, open }: TimeMenuProps) {
  const { from, to, window, zone } = query
  const given = to === undefined ? (from ?? DEFAULT_PRESET) : null
  const preset = PRESETS.find(([value]) => value === given)
  return (
    <details className="menu" name="menu" open={open}>
      <summary className="button">{preset?.[1] ?? 'Chosen times'} ▾</summary>
      <div className="menu-body">
        <nav aria-label="Windows" className="flex flex-wrap gap-2">
          {PRESETS.map(([value, name]) => (
            <a
              key={value}
              href={windowHref(collection, query, value)}
              className="button"
              aria-current={value === given ? 'true' : undefined}
            >
              {name}
            </a>
          ))}
        </nav>
        <form action={`/collections/${collection}`} className="flex flex-wrap items-end gap-2">
          <label className="field grow">
            In words
            <input
              name="from"
              defaultValue={open || to === undefined ? from : undefined}
              placeholder="last 3 hours"
              aria-describedby="time-forms"
              required
            />
          </label>
          <Kept query={query} />
          <button type="submit" className="button button-primary">
            Show
          </button>
          <p id="time-forms" className="w-full text-muted">
            Such as 15m, last 3 hours, yesterday, 14:00 - 14:30, 2026-11-23 13:55 - 14:55, now-1d/d, a time
            out of a log line, or epoch seconds.
          </p>
        </form>
        <form action={`/collections/${collection}`} className="flex flex-wrap items-end gap-2">
          <Moment name="from" label="From" value={inputMoment(window.fromMicros, zone)} />
          <Moment name="to" label="To" value={inputMoment(window.toMicros, zone)} />
          <Kept query={query} />
          <button type="submit" className="button button-primary">
            Show
          </button>
          <p className="w-full text-muted">
            Up to but without the end; now it is {momentInWords(clock.nowMs, zone)} ({zone}).
            {!inputsTellWindow(window, zone) &&
              ' Clocks were set back within this window and one of its times stands twice: choose UTC to tell which.'}
          </p>
        </form>
      </div>
    </details>
  )
}

/** What a form keeps of the page it stands on. */
function Kept({ query }: { query: ExplorerQuery }) {
  return Object.entries(viewParameters(query)).map(([name, value]) => (
    <input key={name} type="hidden" name={name} value={value} />
  ))
}

function Moment({ name, label, value }: { name: string; label: string; value: string }) {
  return (
    <label className="field">
      {label}
      <input type="datetime-local" step="1" name={name} defaultValue={value} required />
    </label>
  )
}
