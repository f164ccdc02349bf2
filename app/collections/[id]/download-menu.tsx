import type { CollectionId } from '#lib/collection-id.ts'
import { momentText } from '#lib/explore/window.ts'
import type { MicrosWindow } from '#lib/store/reading.ts'

const FORMATS = [
  ['log', 'Lines as they are', '.log'],
  ['csv', 'Spreadsheet', '.csv'],
  ['ndjson', 'For programs', '.ndjson'],
] as const

interface DownloadMenuProps {
  collection: CollectionId
  window: MicrosWindow
}

/** All lines of the window as a file, whatever their number. */
export function DownloadMenu({ collection, window }: DownloadMenuProps) {
  const href = (format: string, gzip: boolean) => {
    const query = new URLSearchParams({
      from: momentText(window.fromMicros),
      to: momentText(window.toMicros),
      ...(format === 'log' ? {} : { format }),
      ...(gzip ? { gzip: '1' } : {}),
    })
    return `/collections/${collection}/download?${query}`
  }
  return (
    <details className="menu" name="menu">
      <summary className="button">Download ▾</summary>
      <div className="menu-body menu-right">
        <p className="text-muted">All lines of this window, oldest first.</p>
        {FORMATS.map(([format, name, extension]) => (
          <p key={format} className="flex gap-2">
            <a href={href(format, false)} className="button grow" download>
              {name} ({extension})
            </a>
            <a href={href(format, true)} className="button" download>
              .gz<span className="sr-only"> {name}, compressed</span>
            </a>
          </p>
        ))}
      </div>
    </details>
  )
}
