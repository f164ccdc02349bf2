import type { ReactNode } from 'react'
import type { CollectionId } from '#lib/collection-id.ts'
import { type ExplorerQuery, explorerHref } from '#lib/explore/query.ts'
import { inputMoment } from '#lib/explore/time-text.ts'
import { type Clock, momentText, shiftWindow } from '#lib/explore/window.ts'

/** `from` of each preset, and what it is called. The first moment there is stands for all that is kept. */
const PRESETS = [
  ['15m', '15 min'],
  ['1h', '1 hour'],
  ['6h', '6 hours'],
  ['today', 'Today'],
  ['yesterday', 'Yesterday'],
  ['0', 'All'],
] as const
const DEFAULT_PRESET = '1h'

interface WindowBarProps {
  collection: CollectionId
  query: ExplorerQuery
  clock: Clock
}

/** Choosing the window: presets, two moments, a step back or forth; and the download of what is chosen. */
export function WindowBar({ collection, query, clock }: WindowBarProps) {
  const { window, from, to } = query
  const preset = to === undefined ? (from ?? DEFAULT_PRESET) : null
  const earlier = shiftWindow(window, -1, clock)
  const later = shiftWindow(window, 1, clock)
  const download = new URLSearchParams({
    from: momentText(window.fromMicros),
    to: momentText(window.toMicros),
  })
  return (
    <div className="mb-3 flex flex-wrap items-end gap-x-3 gap-y-2">
      <nav aria-label="Windows" className="flex flex-wrap gap-2">
        {PRESETS.map(([value, name]) => (
          <Choice key={value} href={`/collections/${collection}?from=${value}`} current={preset === value}>
            {name}
          </Choice>
        ))}
      </nav>
      <form action={`/collections/${collection}`} className="flex flex-wrap items-end gap-2">
        <Moment name="from" label="From" micros={window.fromMicros} zone={clock.zone} />
        <Moment name="to" label="To" micros={window.toMicros} zone={clock.zone} />
        <button type="submit" className="button button-primary">
          Show
        </button>
      </form>
      <nav aria-label="Neighbouring windows" className="flex gap-2">
        {earlier && <Choice href={explorerHref(collection, { ...query, window: earlier })}>← Earlier</Choice>}
        {later && <Choice href={explorerHref(collection, { ...query, window: later })}>Later →</Choice>}
      </nav>
      <a className="button" href={`/collections/${collection}/download?${download}`} download>
        Download
      </a>
    </div>
  )
}

function Choice(props: { href: string; current?: boolean; children: ReactNode }) {
  return (
    <a href={props.href} className="button" aria-current={props.current ? 'true' : undefined}>
      {props.children}
    </a>
  )
}

function Moment(props: { name: string; label: string; micros: number; zone: string }) {
  return (
    <label className="flex flex-col gap-1 text-muted">
      {props.label}
      <input
        type="datetime-local"
        step="1"
        name={props.name}
        defaultValue={inputMoment(props.micros, props.zone)}
      />
    </label>
  )
}
