import type { ReactNode } from 'react'
import { pageTitle } from './page-title.ts'

/** The frame of pages for people who are not signed in, or not to be told who they are: sign-in, not found, faults. */
export function PlainPage({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <>
      <title>{pageTitle(title)}</title>
      <header className="border-b border-border px-4 py-3">
        <a href="/" className="font-bold text-[15px] no-underline !text-[var(--text)]">
          Log Portal
        </a>
      </header>
      <main className="px-4 py-3">{children}</main>
    </>
  )
}
