'use client'

import { heldHtml } from './held-html.ts'

/** The rows, as the server wrote them; the browser leaves them as they came. */
export function LinesBody({ rows }: { rows: string }) {
  return <tbody suppressHydrationWarning dangerouslySetInnerHTML={{ __html: heldHtml(rows) }} />
}
