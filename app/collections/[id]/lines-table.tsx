import { LINE_COLUMNS, lineRows } from '#lib/explore/line-rows.ts'
import { isWithinOneDay } from '#lib/explore/time-text.ts'
import type { MicrosWindow, Page } from '#lib/store/reading.ts'

/** The page's lines. Rows are made as one string by `lineRows`, which escapes everything that came out of a log. */
export function LinesTable({ page, window, zone }: { page: Page; window: MicrosWindow; zone: string }) {
  if (page.lines.length === 0) return <p className="card">There are no further lines in this direction.</p>
  const withDate = !isWithinOneDay(window, zone)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
    <section className="lines-box" tabIndex={0} aria-label="Lines">
      <table className="lines">
        <thead>
          <tr>
            {LINE_COLUMNS.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody dangerouslySetInnerHTML={{ __html: lineRows(page.lines, { zone, withDate }) }} />
      </table>
    </section>
  )
}
