'use client'

import { useEffect, useState } from 'react'

interface OwnZoneProps {
  /** The page's address with an empty `tz` at its end. */
  href: string
  /** `tz` as it was given. */
  chosen: string
}

/** The way to the page in the browser's own zone, which only the browser knows. */
export function OwnZone({ href, chosen }: OwnZoneProps) {
  const [zone, setZone] = useState<string | null>(null)
  useEffect(() => setZone(Intl.DateTimeFormat().resolvedOptions().timeZone), [])
  if (zone === null) return null
  return (
    <a
      href={href + encodeURIComponent(zone)}
      className="button"
      aria-current={zone === chosen ? 'true' : undefined}
    >
      Mine ({zone})
    </a>
  )
}
