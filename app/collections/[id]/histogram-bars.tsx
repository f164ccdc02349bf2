'use client'

import { heldHtml } from './held-html.ts'

/** The bars, as the server wrote them; the browser leaves them as they came. */
export function HistogramBars({ bars }: { bars: string }) {
  return <div suppressHydrationWarning dangerouslySetInnerHTML={{ __html: heldHtml(bars) }} />
}
