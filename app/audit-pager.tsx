import { formatNumber } from '#lib/explore/time-text.ts'
import type { AuditPage } from '#lib/store/audit.ts'

interface AuditPagerProps {
  page: AuditPage
  /** Whether the page begins with the newest entry. */
  isFirst: boolean
  href: (before?: string) => string
}

/** What the page did not show, and the way to it. */
export function AuditPager({
  page: { entries, older, looked, unreadable, boundedTo },
  isFirst,
  href,
}: AuditPagerProps) {
  return (
    <>
      {unreadable > 0 && (
        <p className="notice">
          {formatNumber(unreadable)} of the entries looked through cannot be read, and are not shown.
        </p>
      )}
      {older !== null && entries.length < looked - unreadable && (
        <p className="text-muted">
          {formatNumber(looked)} entries were looked through for these. Older ones may match too.
        </p>
      )}
      {boundedTo !== null && (
        <p className="text-muted">
          Only the newest {formatNumber(boundedTo)} entries are kept here; older ones went before their time,
          and stand on the portal’s standard output alone.
        </p>
      )}
      <nav aria-label="Pages of the audit" className="flex gap-4 py-2">
        {!isFirst && (
          <a href={href()} className="way">
            Newest
          </a>
        )}
        {older !== null && (
          <a href={href(older)} className="way">
            Older
          </a>
        )}
      </nav>
    </>
  )
}
